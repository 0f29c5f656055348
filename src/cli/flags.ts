import { nearest } from '../bloblang/index.ts'

/** A flag as users write it: `-name value`, `-name=value`, or with two dashes. A boolean may stand alone. */
export interface FlagSpec<Kind extends FlagKind = FlagKind> {
  readonly kind: Kind
  readonly default: KindValues[Kind]
  /** One sentence without a full stop. */
  readonly description: string
  /** One letter. */
  readonly short?: string
  /** The placeholder for the value in help texts; `FILE` and `FOLDER` also complete paths. */
  readonly value?: string
  /** The possible values, for completion. */
  readonly choices?: readonly string[]
  /** Further names, from earlier versions of the original. */
  readonly aliases?: readonly string[]
  /** The name of its environment variable, if that cannot be derived from its own. */
  readonly environment?: string
  /** The original does not have this flag. */
  readonly isOurs?: boolean
}

interface KindValues {
  text: string
  /** As written, one for each occurrence. */
  texts: readonly string[]
  /** The same, each split at commas. */
  list: readonly string[]
  integer: number
  port: number
  boolean: boolean
}
type FlagKind = keyof KindValues

/** By name. */
export type FlagSpecs = Readonly<Record<string, FlagSpec>>
export type FlagValues<Specs extends FlagSpecs> = { readonly [Name in keyof Specs]: KindValues[Specs[Name]['kind']] }

type Details = Pick<FlagSpec, 'short' | 'value' | 'choices' | 'aliases' | 'environment' | 'isOurs'>

export const flag = {
  text: (defaultValue: string, description: string, details: Details = {}): FlagSpec<'text'> => ({
    kind: 'text',
    default: defaultValue,
    description,
    ...details,
  }),
  texts: (description: string, details: Details = {}): FlagSpec<'texts'> => ({
    kind: 'texts',
    default: [],
    description,
    ...details,
  }),
  list: (description: string, details: Details = {}): FlagSpec<'list'> => ({
    kind: 'list',
    default: [],
    description,
    ...details,
  }),
  integer: (defaultValue: number, description: string, details: Details = {}): FlagSpec<'integer'> => ({
    kind: 'integer',
    default: defaultValue,
    description,
    ...details,
  }),
  port: (defaultValue: number, description: string, details: Details = {}): FlagSpec<'port'> => ({
    kind: 'port',
    default: defaultValue,
    description,
    ...details,
  }),
  boolean: (description: string, details: Details & { readonly default?: boolean } = {}): FlagSpec<'boolean'> => ({
    kind: 'boolean',
    default: false,
    description,
    ...details,
  }),
}

/** An invalid command line or environment variable; the message is for the user. */
export class FlagError extends Error {}

/** A command line split into flags and words. */
export interface Written {
  /** The values of each flag, in order. */
  readonly flags: ReadonlyMap<string, readonly string[]>
  readonly words: readonly string[]
}

/**
 * Splits a command line into flags and words, in Go's syntax; after `--` everything is a word. With `stopAtWord` the
 * first word and everything after it are left unparsed. Throws {@link FlagError}.
 */
export function readFlags(specs: FlagSpecs, args: readonly string[], stopAtWord = false): Written {
  const flags = new Map<string, string[]>()
  const words: string[] = []
  for (let index = 0; index < args.length; index++) {
    const argument = args[index]!
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(argument)
    if (match === null) {
      const rest = argument === '--' ? args.slice(index + 1) : args.slice(index)
      if (argument === '--' || stopAtWord) return { flags, words: [...words, ...rest] }
      words.push(argument)
      continue
    }
    const [, written = '', inline] = match
    const [name, spec] = flagNamed(specs, written)
    const text = inline ?? (spec.kind === 'boolean' ? 'true' : args[++index])
    if (text === undefined) throw new FlagError(`flag needs an argument: -${written}`)
    // An invalid value is an error even if a later one replaces it.
    parse(`flag -${written}`, spec.kind, text)
    flags.set(name, [...(flags.get(name) ?? []), text])
  }
  return { flags, words }
}

/**
 * The value of each flag: as written, else from the first of its variables that is set in `environment` (`-httpPort`
 * from `WARPSTREAM_HTTP_PORT`), else its default. Throws {@link FlagError}.
 */
export function flagValues<Specs extends FlagSpecs>(
  specs: Specs,
  written: Written['flags'],
  environment: Readonly<Record<string, string | undefined>> = {},
): FlagValues<Specs> {
  const values = Object.entries(specs).map(([name, spec]) => {
    const texts = written.get(name)
    if (texts !== undefined && spec.kind === 'texts') return [name, texts]
    if (texts !== undefined && spec.kind === 'list') return [name, texts.flatMap(splitList)]
    if (texts !== undefined) return [name, parse(`flag -${name}`, spec.kind, texts.at(-1)!)]
    const variable = variablesOf(name, spec).find(one => (environment[one] ?? '') !== '')
    if (variable === undefined) return [name, spec.default]
    return [name, parse(`variable ${variable}`, spec.kind, environment[variable]!)]
  })
  return Object.fromEntries(values) as FlagValues<Specs> // every name has a value of its own kind
}

/** `; did you mean x?` for the nearest known word, or an empty text. */
export function suggestion(written: string, known: readonly string[], prefix = ''): string {
  const [near] = nearest(written, known)
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`
}

function flagNamed(specs: FlagSpecs, written: string): readonly [name: string, spec: FlagSpec] {
  const found = Object.entries(specs).find(
    ([name, { short, aliases = [] }]) => name === written || short === written || aliases.includes(written),
  )
  if (found !== undefined) return found
  throw new FlagError(`flag provided but not defined: -${written}${suggestion(written, Object.keys(specs), '-')}`)
}

function parse(where: string, kind: FlagKind, text: string): KindValues[FlagKind] {
  const fail = (reason: string) => new FlagError(`invalid value ${JSON.stringify(text)} for ${where}: ${reason}`)
  switch (kind) {
    case 'text':
      return text
    case 'texts':
      return [text]
    case 'list':
      return splitList(text)
    case 'integer':
      if (!/^[+-]?(?:0x[\da-f]+|0o[0-7]+|0b[01]+|\d+)$/i.test(text)) throw fail('parse error')
      return text.startsWith('-') ? -Number(text.slice(1)) : Number(text.replace('+', ''))
    case 'port':
      if (!/^\d+$/.test(text) || Number(text) > 65535) throw fail('a port is a number from 0 to 65535')
      return Number(text)
    case 'boolean':
      if (/^(?:true|t|1)$/i.test(text)) return true
      if (/^(?:false|f|0)$/i.test(text)) return false
      throw fail('parse error')
    default:
      return kind satisfies never
  }
}

function splitList(text: string): readonly string[] {
  return text.split(',').filter(item => item !== '')
}

/**
 * The environment variables of a flag, starting with the one that help texts name. Flags of the original have
 * `WARPSTREAM_…` and ours `PENSTOCK_…`. Users need not know which is which, so both prefixes are read, and so are
 * earlier names: a `requireAuthentication` that is set only in the environment must not leave a port open.
 */
export function variablesOf(name: string, { environment, isOurs, aliases = [] }: FlagSpec): [string, ...string[]] {
  const prefixes = isOurs ? ['PENSTOCK', 'WARPSTREAM'] : ['WARPSTREAM', 'PENSTOCK']
  const [own = '', ...others] = [name, ...aliases].flatMap(one => prefixes.map(prefix => `${prefix}_${snakeCase(one)}`))
  return environment === undefined ? [own, ...others] : [environment, own, ...others]
}

/** `enableManagedPipelines` → `ENABLE_MANAGED_PIPELINES`, `bucketURL` → `BUCKET_URL`. */
function snakeCase(flagName: string): string {
  const words = flagName.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
  return words.toUpperCase()
}
