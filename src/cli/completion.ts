import process from 'node:process'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import { type FlagSpec, type FlagSpecs, suggestion } from './flags.ts'
import { engineFlags } from './options.ts'

/** A possible next word, with its meaning. */
export type Candidate = readonly [word: string, meaning: string]

/** Makes the shell complete paths. */
export const paths: Candidate = [':paths', '']

/** Prints the script of a shell or, when called by that script, the candidates for the end of a command line. */
export async function printCompletion([shell = '', ...words]: readonly string[]): Promise<number> {
  if (shell === 'words') {
    process.stdout.write(
      complete(words)
        .map(([word, meaning]) => `${word}\t${meaning}\n`)
        .join(''),
    )
    return 0
  }
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
  if (script === undefined) {
    const hint = suggestion(shell, Object.keys(scripts))
    process.stderr.write(`penstock completion needs bash, zsh or fish${hint}\n`)
    return 1
  }
  process.stdout.write(script)
  return 0
}

/** The candidates for the last of the words after `penstock`, which may be empty. */
export function complete(words: readonly string[]): readonly Candidate[] {
  const current = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const { command, rest } = commandOf(before)
  const flags = command?.flags ?? engineFlags
  const previous = rest.at(-1)
  const awaited = previous === undefined ? undefined : flagOf(flags, previous)
  if (awaited !== undefined && awaited.kind !== 'boolean') return matching(current, valuesOf(awaited))
  if (current.startsWith('-')) return matching(current, flagNames(flags, current, command))
  return matching(current, command === undefined ? rootWords() : wordsOf(command))
}

/** The command that the words lead to, and the words after it; at the root, all of them. */
function commandOf(words: readonly string[]): { command: Command | undefined; rest: readonly string[] } {
  let command: Command | undefined
  let among: Readonly<Record<string, Command>> = commands
  let start = 0
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const spec = flagOf(command?.flags ?? engineFlags, word)
    if (spec !== undefined) {
      if (spec.kind !== 'boolean' && !word.includes('=')) at++
      continue
    }
    if (!Object.hasOwn(among, word)) continue
    command = among[word]!
    among = command.subcommands ?? {}
    start = at + 1
  }
  return { command, rest: words.slice(start) }
}

function flagOf(specs: FlagSpecs, word: string): FlagSpec | undefined {
  const name = /^--?([^-=][^=]*)/.exec(word)?.[1]
  return Object.entries(specs).find(([long, { short }]) => name !== undefined && (long === name || short === name))?.[1]
}

function flagNames(specs: FlagSpecs, current: string, command: Command | undefined): readonly Candidate[] {
  const dashes = command?.isAgent === true && !current.startsWith('--') ? '-' : '--'
  const own = Object.entries(specs).map(([name, { description }]): Candidate => [`${dashes}${name}`, description])
  return [...own, [`${dashes}help`, 'show help']]
}

function valuesOf({ choices, value }: FlagSpec): readonly Candidate[] {
  if (choices !== undefined) return choices.map(choice => [choice, ''])
  return value === 'FILE' || value === 'FOLDER' ? [paths] : []
}

function rootWords(): readonly Candidate[] {
  const names = Object.entries(commands).map(([name, { summary }]): Candidate => [name, summary])
  return [...names, ['help', 'explain a command']]
}

function wordsOf({ words, subcommands = {} }: Command): readonly Candidate[] {
  const names = Object.entries(subcommands).map(([name, { summary }]): Candidate => [name, summary])
  if (words === undefined) return names
  return [...names, ...(words === 'files' ? [paths] : words.map((word): Candidate => [word, '']))]
}

function matching(current: string, candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.filter(candidate => candidate === paths || candidate[0].startsWith(current))
}

const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for penstock: source <(penstock completion bash)
_penstock() {
  local current=\${COMP_WORDS[COMP_CWORD]} word
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    if [[ $word == :paths ]]; then
      compopt -o filenames
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
    else
      COMPREPLY+=("$word")
    fi
  done < <("\${COMP_WORDS[0]}" completion words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _penstock penstock
`,
  zsh: `#compdef penstock
# zsh completion for penstock: source <(penstock completion zsh)
_penstock() {
  local -a candidates
  local line wants_paths
  while IFS= read -r line; do
    if [[ $line == :paths* ]]; then
      wants_paths=1
    else
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done < <("\${words[1]}" completion words "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe penstock candidates
  [[ -n $wants_paths ]] && _files
  return 0
}
compdef _penstock penstock
`,
  fish: `# fish completion for penstock: penstock completion fish | source
function __penstock_complete
  set -l before (commandline -opc)
  set -l current (commandline -ct)
  for line in ($before[1] completion words $before[2..] "$current" 2>/dev/null)
    if string match -q ':paths*' -- $line
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c penstock -f -a '(__penstock_complete)'
`,
}
