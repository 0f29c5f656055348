import { flag, type FlagValues } from './flags.ts'

/** The stream engine's flags, before the command or behind it. */
export const engineFlags = {
  config: flag.text('', 'the configuration file', { short: 'c', value: 'FILE' }),
  resources: flag.list('more files with resources; quote patterns', { short: 'r', value: 'FILE' }),
  set: flag.texts('set a field of the configuration', { short: 's', value: 'PATH=VALUE' }),
  'env-file': flag.list('read environment variables from a dotenv file', { short: 'e', value: 'FILE' }),
  templates: flag.list('files with templates; quote patterns', { short: 't', value: 'FILE' }),
  'log.level': flag.text('', 'log lines of this severity and above', {
    value: 'LEVEL',
    choices: ['off', 'error', 'warn', 'info', 'debug', 'trace'],
  }),
  chilled: flag.boolean('run in spite of lint findings'),
  watcher: flag.boolean('apply configurations when their files change', { short: 'w' }),
} as const

/** What a command of the stream engine runs with. */
export interface EngineOptions {
  /** Empty where none was named. */
  readonly config: string
  readonly resources: readonly string[]
  readonly set: readonly string[]
  readonly envFiles: readonly string[]
  readonly templates: readonly string[]
  /** Empty where the configuration decides. */
  readonly logLevel: string
  readonly chilled: boolean
  readonly watcher: boolean
  /** What follows the command, without its flags. */
  readonly words: readonly string[]
}

/** A file that was named cannot be used; the text is for the user. */
export class SourceError extends Error {}

/** The options that some flags and words mean. */
export function engineOptions(flags: FlagValues<typeof engineFlags>, words: readonly string[]): EngineOptions {
  const { 'env-file': envFiles, 'log.level': logLevel, ...same } = flags
  return { ...same, envFiles, logLevel, words }
}
