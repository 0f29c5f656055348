import type { Command } from './command.ts'
import { commands } from './commands.ts'
import { type FlagSpec, type FlagSpecs, variablesOf } from './flags.ts'
import { engineFlags } from './options.ts'

const helpLine: readonly [string, string] = ['--help, -h', 'show this help']

/** The text of `penstock --help`. */
export function programHelp(): string {
  const options = [...rows(engineFlags, '--'), ['--version, -v', 'show the version'] as const, helpLine]
  return `NAME:
   penstock - managed data pipelines on a Kafka-compatible cluster over object storage

USAGE:
   penstock [global options] command [command options]

   penstock playground
   penstock -c ./config.yaml
   penstock help COMMAND

COMMANDS:
${table([...summaries(commands), ['help', 'explain a command']])}

GLOBAL OPTIONS:
${table(options)}
`
}

/** The text of `penstock COMMAND --help` and `penstock help COMMAND`. */
export function commandHelp(name: string, command: Command): string {
  const { summary, usage = '', description, subcommands } = command
  const parts = [
    `NAME:\n   ${name} - ${summary}`,
    `USAGE:\n   ${[name, '[options]', usage].filter(part => part !== '').join(' ')}`,
    ...(description === undefined ? [] : [`DESCRIPTION:\n${description}`]),
    ...(subcommands === undefined ? [] : [`COMMANDS:\n${table(summaries(subcommands))}`]),
    command.isAgent === true
      ? `OPTIONS:\n${agentFlags(command.flags)}`
      : `OPTIONS:\n${table([...rows(command.flags, '--'), helpLine])}`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** Aliases of one command share a line. */
function summaries(list: Readonly<Record<string, Command>>): readonly (readonly [string, string])[] {
  const names = new Map<Command, string[]>()
  for (const [name, command] of Object.entries(list)) names.set(command, [...(names.get(command) ?? []), name])
  return [...names].map(([command, aliases]) => [aliases.join(', '), command.summary])
}

function rows(specs: FlagSpecs, dashes: string): readonly (readonly [string, string])[] {
  return Object.entries(specs).map(([name, spec]) => {
    const short = spec.short === undefined ? '' : `, -${spec.short}`
    const choices = spec.choices === undefined ? '' : `: ${spec.choices.join(', ')}`
    return [`${dashes}${name}${valueOf(spec)}${short}`, `${spec.description}${choices}${defaultOf(spec)}`]
  })
}

/** An agent's flags are long and have environment variables, so each takes two lines. */
function agentFlags(specs: FlagSpecs): string {
  return Object.entries(specs)
    .map(([name, spec]) => `   -${name}${defaultOf(spec)}\n      ${spec.description} [${variablesOf(name, spec)[0]}]`)
    .join('\n')
}

function valueOf({ kind, value }: FlagSpec): string {
  return kind === 'boolean' ? '' : ` ${value ?? (kind === 'port' ? 'PORT' : 'VALUE')}`
}

function defaultOf({ kind, default: value }: FlagSpec): string {
  const isShown = value !== '' && value !== false && kind !== 'list' && kind !== 'texts'
  return isShown ? ` (default ${String(value)})` : ''
}

function table(lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([left]) => left.length))
  return lines.map(([left, right]) => `   ${left.padEnd(width)}  ${right}`).join('\n')
}
