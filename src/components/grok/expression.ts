import { compileRe2, groupText, Float, type Re2, type Value } from '../../bloblang/index.ts'

/** The type given by a reference: `%{NUMBER:bytes:int}`. */
type Hint = string

/** A pattern whose references are resolved. */
interface Resolved {
  readonly source: string
  /** Maps group names to field names, where these differ. */
  readonly fields: ReadonlyMap<string, string>
  readonly hints: ReadonlyMap<string, Hint>
}

/** Patterns by name, which may refer to each other. */
export type Patterns = Readonly<Record<string, string>>

export interface GrokOptions {
  /** Whether only references with a field name capture. */
  readonly namedOnly: boolean
  /** Whether empty captures are dropped. */
  readonly removeEmpty: boolean
}

/** A compiled grok expression: returns the captures of a text by field name; undefined if it does not match. */
export type Expression = (text: string) => ReadonlyMap<string, Value> | undefined

/** A text that does not fit a type hint; the expression counts as not matching. */
export class HintError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'HintError'
  }
}

/** `%{NAME}`, `%{NAME:field}` or `%{NAME:field:type}`. */
const REFERENCE = /%\{([\w.-]+(?::[\w.-]+(?::[\w.-]+)?)?)\}/g
/** Larger than any reasonable resolved pattern; each level of references can multiply the size. */
const MAX_SOURCE = 1_000_000

/** Compiles grok expressions with a set of patterns, each of which is resolved on first use. */
export class GrokCompiler {
  readonly #patterns: Patterns
  readonly #options: GrokOptions
  readonly #resolved = new Map<string, Resolved>()
  readonly #open: string[] = []

  constructor(patterns: Patterns, options: GrokOptions) {
    this.#patterns = patterns
    this.#options = options
  }

  /** Throws if a reference is undefined or circular, and the errors of `compileRe2`. */
  compile(expression: string): Expression {
    const { source, fields, hints } = this.#resolve(expression)
    const regexp = compileRe2(source)
    const captures = regexp.groupNames.flatMap((name, group) =>
      name === '' ? [] : [{ group, field: fields.get(name) ?? name, hint: hints.get(name) }],
    )
    return capturing(regexp, captures, this.#options.removeEmpty)
  }

  /** Throws if a pattern refers to an undefined one. */
  check(): void {
    for (const name of Object.keys(this.#patterns)) this.#pattern(name)
  }

  #pattern(name: string): Resolved {
    const known = this.#resolved.get(name)
    if (known !== undefined) return known
    if (!Object.hasOwn(this.#patterns, name)) throw new Error(`no pattern found for %{${name}}`)
    if (this.#open.includes(name)) throw new Error(`the pattern %{${name}} refers to itself`)
    this.#open.push(name)
    const resolved = this.#resolve(this.#patterns[name]!)
    this.#open.pop()
    this.#resolved.set(name, resolved)
    return resolved
  }

  #resolve(pattern: string): Resolved {
    const fields = new Map<string, string>()
    const hints = new Map<string, Hint>()
    const source = pattern.replace(REFERENCE, (_, reference: string) => {
      const [name = '', alias = name, hint] = reference.split(':')
      const group = alias.replaceAll(/\W/g, '_')
      if (group !== alias) fields.set(group, alias)
      if (hint !== undefined && hint !== 'string') hints.set(group, hint)
      const inner = this.#pattern(name)
      for (const [key, value] of inner.hints) if (!hints.has(key)) hints.set(key, value.toLowerCase())
      for (const [key, value] of inner.fields) if (!fields.has(key)) fields.set(key, value)
      const captures = !this.#options.namedOnly || reference.includes(':')
      return captures ? `(?P<${group}>${inner.source})` : `(?:${inner.source})`
    })
    if (source.length > MAX_SOURCE) throw new Error(`a pattern becomes longer than ${MAX_SOURCE} characters`)
    return { source, fields, hints }
  }
}

interface Capture {
  readonly group: number
  readonly field: string
  readonly hint: Hint | undefined
}

function capturing(regexp: Re2, captures: readonly Capture[], removeEmpty: boolean): Expression {
  return text => {
    const spans = regexp.match(text)
    if (spans === undefined) return undefined
    const values = new Map<string, Value>()
    for (const { group, field, hint } of captures) {
      const captured = groupText(text, spans, group)
      if (captured !== '' || !removeEmpty) values.set(field, hint === undefined ? captured : typed(captured, hint))
    }
    return values
  }
}

function typed(text: string, hint: Hint): Value {
  switch (hint) {
    case 'int':
      return integerOf(text)
    case 'float':
      return floatOf(text)
    case 'string':
      return text
    default:
      throw new HintError(`ERROR the value ${text} cannot be converted to ${hint}. Must be int, float, string or empty`)
  }
}

function integerOf(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw new HintError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  const integer = BigInt(text.replace(/^\+/, ''))
  if (BigInt.asIntN(64, integer) !== integer) {
    throw new HintError(`strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`)
  }
  return integer
}

function floatOf(text: string): Float {
  const value = Number(text)
  if (text.trim() !== text || text === '' || Number.isNaN(value) || !Number.isFinite(value)) {
    throw new HintError(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return new Float(value)
}
