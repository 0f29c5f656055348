import { flag, type FlagValues } from './flags.ts'

/** The stream engine's flags, before or after the command. */
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

/** The options of a command of the stream engine. */
export interface EngineOptions {
  /** Empty if none was named. */
  readonly config: string
  readonly resources: readonly string[]
  readonly set: readonly string[]
  readonly envFiles: readonly string[]
  readonly templates: readonly string[]
  /** Empty if the configuration decides. */
  readonly logLevel: string
  readonly chilled: boolean
  readonly watcher: boolean
  /** The arguments of the command that are not flags. */
  readonly words: readonly string[]
}

/** A named file cannot be used; the text is for the user. */
export class SourceError extends Error {}

/** The options given by flags and words. */
export function engineOptions(flags: FlagValues<typeof engineFlags>, words: readonly string[]): EngineOptions {
  const { 'env-file': envFiles, 'log.level': logLevel, ...same } = flags
  return { ...same, envFiles, logLevel, words }
}
