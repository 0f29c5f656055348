import process from 'node:process'
import type { Command } from './command.ts'
import { commands } from './commands.ts'
import { flag, FlagError, flagValues, readFlags, suggestion } from './flags.ts'
import { commandHelp, programHelp } from './help.ts'
import { engineFlags, engineOptions, SourceError } from './options.ts'
import { version } from './version.ts'

const helpFlag = { help: flag.boolean('show this help', { short: 'h' }) } as const
const rootFlags = { ...engineFlags, version: flag.boolean('show the version', { short: 'v' }), ...helpFlag } as const

/** Runs a command line and resolves to the exit code. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    return await runRoot(args)
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

async function runRoot(args: readonly string[]): Promise<number> {
  let written: ReturnType<typeof readFlags>
  try {
    written = readFlags(rootFlags, args, true)
  } catch (error) {
    return refuse(error, 'penstock --help')
  }
  const [name, ...rest] = written.words
  const { version: isVersion, help, ...flags } = flagValues(rootFlags, written.flags)
  if (isVersion) return print(`Version: ${version}\n`)
  if (help) return print(programHelp())
  if (name === undefined) return await (await import('./run.ts')).runStream(engineOptions(flags, []))
  if (name === 'help' || name === 'h') return explain(rest)
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    const hint = suggestion(name, Object.keys(commands))
    process.stderr.write(`Unrecognised command: ${name}${hint}\n\nAll commands: penstock --help\n`)
    return 1
  }
  return await runCommand(`penstock ${name}`, command, rest, written.flags)
}

/** `before`: the engine's flags that precede the command. */
async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
  before: ReadonlyMap<string, readonly string[]>,
): Promise<number> {
  const [word = '', ...rest] = args
  const subcommand = Object.hasOwn(command.subcommands ?? {}, word) ? command.subcommands?.[word] : undefined
  if (subcommand !== undefined) return await runCommand(`${name} ${word}`, subcommand, rest, before)
  const specs = { ...command.flags, ...helpFlag }
  try {
    const written = readFlags(specs, args, command.stopsAtWord)
    const { help, ...own } = flagValues(specs, written.flags, command.isAgent ? process.env : {})
    if (help || (command.stopsAtWord && /^(?:help|h)$/.test(written.words[0] ?? '')))
      return print(commandHelp(name, command))
    const flags = flagValues(command.flags, joined(before, written.flags), command.isAgent ? process.env : {})
    if (!Object.hasOwn(own, 'env-file')) await loadEnvFiles(before)
    return await command.run({ flags, words: written.words })
  } catch (error) {
    return refuse(error, `${name} --help`)
  }
}

/** Commands outside the engine use only the engine's dotenv flags. */
async function loadEnvFiles(before: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const { 'env-file': paths } = flagValues({ 'env-file': engineFlags['env-file'] }, before)
  if (paths.length > 0) (await import('./source.ts')).loadEnvFiles(paths)
}

function joined(
  before: ReadonlyMap<string, readonly string[]>,
  behind: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  const all = new Map(before)
  for (const [name, texts] of behind) all.set(name, [...(all.get(name) ?? []), ...texts])
  return all
}

function explain(words: readonly string[]): number {
  let name = 'penstock'
  let command: Command | undefined
  for (const word of words) {
    const among = command === undefined ? commands : (command.subcommands ?? {})
    command = Object.hasOwn(among, word) ? among[word] : undefined
    if (command === undefined) {
      process.stderr.write(`No help topic for '${word}'${suggestion(word, Object.keys(among))}\n`)
      return 3
    }
    name = `${name} ${word}`
  }
  return print(command === undefined ? programHelp() : commandHelp(name, command))
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

/** `help`: the command line that explains the flags. */
function refuse(error: unknown, help: string): number {
  if (!(error instanceof FlagError)) throw error
  process.stderr.write(`Incorrect Usage: ${error.message}\n\nAll flags: ${help}\n`)
  return 1
}
