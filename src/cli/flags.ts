/** A flag as its user sees it. Written `-name value`, `-name=value` or with two dashes; a boolean may stand alone. */
interface FlagSpec<Value> {
  readonly kind: 'text' | 'port' | 'boolean'
  readonly default: Value
  /** One sentence. */
  readonly description: string
}

export type FlagSpecs = Readonly<Record<string, FlagSpec<string> | FlagSpec<number> | FlagSpec<boolean>>>
export type FlagValues<Specs extends FlagSpecs> = { readonly [Name in keyof Specs]: Widen<Specs[Name]['default']> }
type Widen<Value> = Value extends string ? string : Value extends number ? number : boolean

/** What a person wrote on the command line, or in an environment variable, and what is wrong with it. */
export class FlagError extends Error {}

export const flag = {
  text: (defaultValue: string, description: string) => ({ kind: 'text', default: defaultValue, description }) as const,
  port: (defaultValue: number, description: string) => ({ kind: 'port', default: defaultValue, description }) as const,
  boolean: (defaultValue: boolean, description: string) =>
    ({ kind: 'boolean', default: defaultValue, description }) as const,
}

/**
 * Reads flags in Go's manner. A flag that is not given is taken from its environment variable (`-httpPort` from
 * `WARPSTREAM_HTTP_PORT`), else it has its default. Answers `help` when that is what was asked for.
 */
export function readFlags<const Specs extends FlagSpecs>(
  specs: Specs,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): FlagValues<Specs> | 'help' {
  const values: Record<string, string | number | boolean> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const variable = environmentName(name)
    const written = environment[variable]
    values[name] = written === undefined || written === '' ? spec.default : parse(variable, spec.kind, written)
  }
  for (let index = 0; index < args.length; index++) {
    const argument = args[index]!
    const match = /^--?([^=-][^=]*)(?:=([\s\S]*))?$/.exec(argument)
    if (match === null) throw new FlagError(`${JSON.stringify(argument)} is not a flag; flags begin with a dash`)
    const name = match[1]!
    if (name === 'h' || name === 'help') return 'help'
    const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
    if (spec === undefined) throw new FlagError(unknownFlag(name, Object.keys(specs)))
    let text = match[2]
    if (text === undefined && spec.kind === 'boolean') text = 'true'
    if (text === undefined) text = args[++index]
    if (text === undefined) throw new FlagError(`-${name} needs a value`)
    values[name] = parse(`-${name}`, spec.kind, text)
  }
  return values as FlagValues<Specs>
}

/** The flags with their defaults and variables, for `-help`. */
export function describeFlags(specs: FlagSpecs): string {
  return Object.entries(specs)
    .map(([name, { default: value, description }]) => {
      const shown = value === '' ? '' : ` (default ${String(value)})`
      return `  -${name}${shown}\n      ${description} [${environmentName(name)}]`
    })
    .join('\n')
}

/** `enableManagedPipelines` → `WARPSTREAM_ENABLE_MANAGED_PIPELINES`, `bucketURL` → `WARPSTREAM_BUCKET_URL`. */
export function environmentName(flagName: string): string {
  const words = flagName.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
  return `WARPSTREAM_${words.toUpperCase()}`
}

function parse(where: string, kind: FlagSpec<unknown>['kind'], text: string): string | number | boolean {
  switch (kind) {
    case 'text':
      return text
    case 'port': {
      const port = Number(text)
      if (/^\d+$/.test(text) && port <= 65535) return port
      throw new FlagError(`${where} has to be a port from 0 to 65535, not ${JSON.stringify(text)}`)
    }
    case 'boolean':
      if (['true', 't', '1', 'TRUE', 'True'].includes(text)) return true
      if (['false', 'f', '0', 'FALSE', 'False'].includes(text)) return false
      throw new FlagError(`${where} has to be true or false, not ${JSON.stringify(text)}`)
    default:
      return kind satisfies never
  }
}

function unknownFlag(name: string, known: readonly string[]): string {
  const near = known
    .map(candidate => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)[0]
  const isNear = near !== undefined && near.distance <= Math.max(2, Math.floor(name.length / 3))
  return `there is no flag -${name}${isNear ? `; did you mean -${near.candidate}?` : ''}`
}

/** How many letters to change, add or take away to make one word of the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
