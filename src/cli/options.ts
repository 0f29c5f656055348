/** What was written on the stream engine's command line, before and behind the command. */
export interface EngineOptions {
  readonly config: string
  readonly resources: readonly string[]
  readonly set: readonly string[]
  readonly envFiles: readonly string[]
  readonly templates: readonly string[]
  readonly logLevel: string
  readonly chilled: boolean
  readonly watcher: boolean
  readonly version: boolean
  readonly help: boolean
  /** Flags of the command itself. */
  readonly own: ReadonlyMap<string, readonly string[]>
  /** The command, or an empty text. */
  readonly command: string
  /** Words that are no flags, behind the command. */
  readonly words: readonly string[]
}

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** A file that was named cannot be used; the text is for the user. */
export class SourceError extends Error {}

interface Flag {
  readonly name: string
  readonly takesValue: boolean
}

const GLOBAL: Readonly<Record<string, Flag>> = {
  config: { name: 'config', takesValue: true },
  c: { name: 'config', takesValue: true },
  resources: { name: 'resources', takesValue: true },
  r: { name: 'resources', takesValue: true },
  set: { name: 'set', takesValue: true },
  s: { name: 'set', takesValue: true },
  'env-file': { name: 'env-file', takesValue: true },
  e: { name: 'env-file', takesValue: true },
  templates: { name: 'templates', takesValue: true },
  t: { name: 'templates', takesValue: true },
  'log.level': { name: 'log.level', takesValue: true },
  chilled: { name: 'chilled', takesValue: false },
  watcher: { name: 'watcher', takesValue: false },
  w: { name: 'watcher', takesValue: false },
  version: { name: 'version', takesValue: false },
  v: { name: 'version', takesValue: false },
  help: { name: 'help', takesValue: false },
  h: { name: 'help', takesValue: false },
}

const OWN: Readonly<Record<string, Readonly<Record<string, Flag>>>> = {
  lint: {
    deprecated: { name: 'deprecated', takesValue: false },
    labels: { name: 'labels', takesValue: false },
    'skip-env-var-check': { name: 'skip-env-var-check', takesValue: false },
  },
  list: { format: { name: 'format', takesValue: true }, status: { name: 'status', takesValue: true } },
  create: { small: { name: 'small', takesValue: false }, s: { name: 'small', takesValue: false } },
  test: { log: { name: 'log', takesValue: true } },
}

/** Reads the words of a command line; those behind a command of `selfRead` stay as they are. Throws {@link UsageError}. */
export function parseOptions(args: readonly string[], selfRead: readonly string[] = []): EngineOptions {
  const given = new Map<string, string[]>()
  const words: string[] = []
  let command = ''
  for (let i = 0; i < args.length; i++) {
    const argument = args[i]!
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(argument)
    if (match === null || argument === '-') {
      if (command === '') command = argument
      else words.push(argument)
      if (selfRead.includes(command)) {
        words.push(...args.slice(i + 1))
        break
      }
      continue
    }
    const flag = (OWN[command] ?? {})[match[1]!] ?? GLOBAL[match[1]!]
    if (flag === undefined) throw new UsageError(`flag provided but not defined: -${match[1]}`)
    let value = match[2]
    if (value === undefined && flag.takesValue) {
      value = args[++i]
      if (value === undefined) throw new UsageError(`flag needs an argument: -${match[1]}`)
    }
    const values = given.get(flag.name) ?? []
    values.push(value ?? 'true')
    given.set(flag.name, values)
  }
  const last = (name: string) => given.get(name)?.at(-1) ?? ''
  return {
    config: last('config'),
    resources: split(given.get('resources')),
    set: given.get('set') ?? [],
    envFiles: split(given.get('env-file')),
    templates: split(given.get('templates')),
    logLevel: last('log.level'),
    chilled: last('chilled') === 'true',
    watcher: last('watcher') === 'true',
    version: last('version') === 'true',
    help: last('help') === 'true',
    own: given,
    command,
    words,
  }
}

/** Lists may be given as several flags or with commas. */
function split(values: readonly string[] | undefined): readonly string[] {
  return (values ?? []).flatMap(value => value.split(',')).filter(value => value !== '')
}
