import type { FlagSpecs, FlagValues } from './flags.ts'

/** What a person wrote for a command. */
export interface Call<Specs extends FlagSpecs = FlagSpecs> {
  readonly flags: FlagValues<Specs>
  /** What is not a flag. */
  readonly words: readonly string[]
}

/** A command: what it takes, how it is explained and completed, and what it does. */
export interface Command<Specs extends FlagSpecs = FlagSpecs> {
  /** One line without a full stop. */
  readonly summary: string
  /** Paragraphs for its help, indented as they are printed. */
  readonly description?: string
  /** How its words are called in its help. */
  readonly usage?: string
  readonly flags: Specs
  /** Whether flags have `WARPSTREAM_*` variables, and are written with one dash. */
  readonly isAgent?: boolean
  /** What its words are, for completion: paths, or some of these. */
  readonly words?: 'files' | readonly string[]
  /** Whether everything after the first word belongs to that word. */
  readonly stopsAtWord?: boolean
  /** By name and alias. */
  readonly subcommands?: Readonly<Record<string, Command>>
  /** Resolves to the exit code. */
  run(call: Call<Specs>): Promise<number>
}

/** A command whose `run` sees the types of its own flags. */
export function command<const Specs extends FlagSpecs>(spec: Command<Specs>): Command {
  return spec as unknown as Command // its values are read by its own specs
}
