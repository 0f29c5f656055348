import type { FlagSpecs, FlagValues } from './flags.ts'

/** The parsed arguments of a command. */
export interface Call<Specs extends FlagSpecs = FlagSpecs> {
  readonly flags: FlagValues<Specs>
  /** The arguments that are not flags. */
  readonly words: readonly string[]
}

/** A command: its flags and words, its help and completion, and what it does. */
export interface Command<Specs extends FlagSpecs = FlagSpecs> {
  /** One line without a full stop. */
  readonly summary: string
  /** Paragraphs for its help, indented as printed. */
  readonly description?: string
  /** The placeholder for its words in its help. */
  readonly usage?: string
  readonly flags: Specs
  /** Whether flags have `WARPSTREAM_*` variables and are written with one dash. */
  readonly isAgent?: boolean
  /** The kind of its words, for completion: paths, or one of these. */
  readonly words?: 'files' | readonly string[]
  /** Whether everything after the first word belongs to that word. */
  readonly stopsAtWord?: boolean
  /** By name and alias. */
  readonly subcommands?: Readonly<Record<string, Command>>
  /** Resolves to the exit code. */
  run(call: Call<Specs>): Promise<number>
}

/** A command whose `run` has the types of its own flags. */
export function command<const Specs extends FlagSpecs>(spec: Command<Specs>): Command {
  return spec as unknown as Command // its values are parsed by its own specs
}
