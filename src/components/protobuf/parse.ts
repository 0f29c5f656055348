import { placeOf, type Token, tokensOf } from './lex.ts'
import type { EnumSyntax, Features, FieldSyntax, FileSyntax, ImportSyntax, MessageSyntax, Place } from './syntax.ts'
import { SchemaError } from './syntax.ts'

/** Maximum nesting of messages, and of values within options. */
const MAX_DEPTH = 64

/** Parses a `.proto` file. Throws {@link SchemaError}. */
export function parseProto(path: string, source: string): FileSyntax {
  return new Parser(path, source).file()
}

/** A message whose body is being parsed. */
interface Draft {
  readonly fields: FieldSyntax[]
  readonly oneofs: string[]
  readonly messages: MessageSyntax[]
  readonly enums: EnumSyntax[]
  features: Features
}

type Options = ReadonlyMap<string, string>

class Parser {
  readonly #path: string
  readonly #source: string
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0
  #edition: FileSyntax['edition'] = 'proto2'

  constructor(path: string, source: string) {
    this.#path = path
    this.#source = source
    this.#tokens = tokensOf(path, source)
  }

  file(): FileSyntax {
    this.#syntax()
    const imports: ImportSyntax[] = []
    const top = draft()
    let packageName = ''
    while (this.#now.kind !== 'end') {
      if (this.#takes(';')) continue
      const place = this.#place
      const word = this.#name()
      if (word === 'import') imports.push(this.#import(place))
      else if (word === 'package') {
        packageName = this.#fullName()
        this.#expect(';')
      } else if (word === 'option') top.features = { ...top.features, ...featuresOf(new Map([this.#option()])) }
      else if (word === 'message') top.messages.push(this.#message(place))
      else if (word === 'enum') top.enums.push(this.#enum())
      else if (word === 'extend') this.#extend(top)
      else if (word === 'service') this.#skipBlock()
      else this.#fail(`unexpected "${word}"`, place)
    }
    const { features, messages, enums } = top
    return { path: this.#path, package: packageName, edition: this.#edition, imports, features, messages, enums }
  }

  #syntax(): void {
    const { kind, text } = this.#now
    if (kind !== 'name' || (text !== 'syntax' && text !== 'edition')) return
    this.#at++
    this.#expect('=')
    const place = this.#place
    const value = this.#text()
    const known = text === 'syntax' ? ['proto2', 'proto3'] : ['2023']
    if (!known.includes(value))
      this.#fail(`${text} "${value}" is not supported, only ${known.map(each => `"${each}"`).join(' and ')}`, place)
    this.#edition = value as FileSyntax['edition'] // checked to be supported
    this.#expect(';')
  }

  #import(place: Place): ImportSyntax {
    const isPublic = this.#takes('public')
    const isWeak = !isPublic && this.#takes('weak')
    const path = this.#text()
    this.#expect(';')
    return { path, isPublic, isWeak, place }
  }

  #message(place: Place): MessageSyntax {
    const name = this.#name()
    return this.#messageBody(name, place)
  }

  #messageBody(name: string, place: Place): MessageSyntax {
    const body = draft()
    this.#enter(place)
    this.#expect('{')
    while (!this.#takes('}')) this.#member(body)
    this.#depth--
    return { name, ...body, isMapEntry: false, place }
  }

  #enter(place: Place): void {
    if (++this.#depth > MAX_DEPTH) this.#fail(`nested more than ${MAX_DEPTH} levels deep`, place)
  }

  #member(body: Draft): void {
    if (this.#takes(';')) return
    const place = this.#place
    const { text } = this.#now
    const next = this.#ahead(1)
    // These keywords may also be types of fields, in which case a name without a brace follows.
    const opens = next.kind === 'name' && this.#ahead(2).text === '{'
    if (opens && (text === 'message' || text === 'enum' || text === 'oneof')) {
      this.#at++
      if (text === 'message') body.messages.push(this.#message(place))
      else if (text === 'enum') body.enums.push(this.#enum())
      else this.#oneof(body)
    } else if (text === 'extend' && next.text !== '=') {
      this.#at++
      this.#extend(body)
    } else if (text === 'option' && (next.kind === 'name' || next.text === '(')) {
      this.#at++
      body.features = { ...body.features, ...featuresOf(new Map([this.#option()])) }
    } else if ((text === 'extensions' || text === 'reserved') && (next.kind !== 'name' || this.#edition === '2023'))
      this.#skipStatement()
    else if (text === 'map' && next.text === '<') this.#map(body)
    else this.#field(body, undefined)
  }

  #oneof(body: Draft): void {
    const index = body.oneofs.push(this.#name()) - 1
    this.#expect('{')
    while (!this.#takes('}')) {
      if (this.#takes(';')) continue
      if (this.#now.text === 'option') {
        this.#at++
        this.#option()
      } else this.#field(body, index)
    }
  }

  #field(body: Draft, oneof: number | undefined): void {
    const place = this.#place
    const label = this.#label()
    if (label !== undefined && oneof !== undefined) this.#fail(`a field of a oneof cannot be ${label}`, place)
    if (label === 'required' && this.#edition !== 'proto2') this.#fail('required fields are not allowed here', place)
    if (this.#now.text === 'group' && this.#ahead(1).kind === 'name' && this.#ahead(2).text === '=') {
      this.#at++
      const name = this.#name()
      const { number, options } = this.#numberAndOptions()
      body.messages.push(this.#messageBody(name, place))
      body.fields.push({
        ...fieldBase(name.toLowerCase(), number, options, place),
        label,
        type: name,
        isGroup: true,
        oneof,
      })
      return
    }
    const type = this.#typeName()
    const name = this.#name()
    const { number, options } = this.#numberAndOptions()
    this.#expect(';')
    body.fields.push({ ...fieldBase(name, number, options, place), label, type, isGroup: false, oneof })
  }

  #label(): FieldSyntax['label'] {
    const { text } = this.#now
    if (text !== 'optional' && text !== 'required' && text !== 'repeated') return undefined
    if (this.#ahead(1).text === '=') return undefined
    this.#at++
    return text
  }

  #map(body: Draft): void {
    const place = this.#place
    this.#at++
    this.#expect('<')
    const keyPlace = this.#place
    const key = this.#name()
    if (!MAP_KEYS.has(key)) this.#fail(`"${key}" cannot be the key of a map`, keyPlace)
    this.#expect(',')
    const value = this.#typeName()
    this.#expect('>')
    const name = this.#name()
    const { number, options } = this.#numberAndOptions()
    this.#expect(';')
    const entry = `${camelCase(`_${name}`)}Entry`
    const part = (partName: string, partNumber: number, type: string): FieldSyntax => ({
      ...fieldBase(partName, partNumber, new Map(), place),
      label: 'optional',
      type,
      isGroup: false,
      oneof: undefined,
    })
    body.messages.push({
      name: entry,
      fields: [part('key', 1, key), part('value', 2, value)],
      oneofs: [],
      messages: [],
      enums: [],
      features: {},
      isMapEntry: true,
      place,
    })
    const base = fieldBase(name, number, options, place)
    body.fields.push({ ...base, label: 'repeated', type: entry, isGroup: false, oneof: undefined })
  }

  #enum(): EnumSyntax {
    const name = this.#name()
    const values: { name: string; number: number }[] = []
    this.#expect('{')
    while (!this.#takes('}')) {
      if (this.#takes(';')) continue
      const { text } = this.#now
      const next = this.#ahead(1)
      if (text === 'option' && next.text !== '=') {
        this.#at++
        this.#option()
      } else if (text === 'reserved' && next.text !== '=') this.#skipStatement()
      else {
        const value = this.#name()
        this.#expect('=')
        const isNegative = this.#takes('-')
        const number = this.#integer()
        values.push({ name: value, number: isNegative ? -number : number })
        this.#bracketed()
        this.#expect(';')
      }
    }
    return { name, values }
  }

  /** Skips extensions: messages are converted without them. A group in one still declares a type. */
  #extend(body: Draft): void {
    this.#typeName()
    this.#expect('{')
    const own: Draft = { ...body, fields: [], oneofs: [] }
    while (!this.#takes('}')) if (!this.#takes(';')) this.#field(own, undefined)
  }

  #numberAndOptions(): { number: number; options: Options } {
    this.#expect('=')
    const place = this.#place
    const number = this.#integer()
    if (number < 1 || number > 536_870_911 || (number >= 19_000 && number <= 19_999)) {
      this.#fail(`${number} cannot be the number of a field`, place)
    }
    return { number, options: this.#bracketed() }
  }

  #bracketed(): Options {
    const options = new Map<string, string>()
    if (!this.#takes('[')) return options
    do options.set(...this.#assignment())
    while (this.#takes(','))
    this.#expect(']')
    return options
  }

  #option(): readonly [string, string] {
    const entry = this.#assignment()
    this.#expect(';')
    return entry
  }

  /** Parses `name = value`, with the value as text; an aggregate is skipped. */
  #assignment(): readonly [string, string] {
    let name = ''
    while (!this.#takes('=')) {
      if (this.#now.kind === 'end' || this.#now.text === ';') this.#unexpected()
      name += this.#next().text
    }
    return [name, this.#value()]
  }

  #value(): string {
    if (this.#now.text === '{') {
      this.#skipBlock()
      return ''
    }
    const sign = this.#takes('-') ? '-' : ''
    if (this.#now.kind === 'symbol' || this.#now.kind === 'end') this.#unexpected()
    if (this.#now.kind === 'text') return this.#text()
    return sign + this.#next().text
  }

  /** Skips the block that opens next. */
  #skipBlock(): void {
    while (this.#now.text !== '{' || this.#now.kind !== 'symbol') {
      if (this.#now.kind === 'end') this.#unexpected()
      this.#at++
    }
    let depth = 0
    do {
      const { kind, text } = this.#next()
      if (kind === 'end') {
        this.#at--
        this.#unexpected()
      }
      if (kind === 'symbol' && text === '{') depth++
      if (kind === 'symbol' && text === '}') depth--
    } while (depth > 0)
  }

  #skipStatement(): void {
    while (!this.#takes(';')) {
      if (this.#now.kind === 'end') this.#unexpected()
      if (this.#now.text === '{' && this.#now.kind === 'symbol') this.#skipBlock()
      else this.#at++
    }
  }

  #typeName(): string {
    return (this.#takes('.') ? '.' : '') + this.#fullName()
  }

  #fullName(): string {
    let name = this.#name()
    while (this.#takes('.')) name += `.${this.#name()}`
    return name
  }

  #name(): string {
    if (this.#now.kind !== 'name') this.#unexpected()
    return this.#next().text
  }

  #integer(): number {
    if (this.#now.kind !== 'integer') this.#unexpected()
    const { text } = this.#next()
    return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text)
  }

  /** Adjacent string literals are concatenated. */
  #text(): string {
    if (this.#now.kind !== 'text') this.#unexpected()
    let text = ''
    while (this.#now.kind === 'text') text += this.#next().text
    return text
  }

  #takes(text: string): boolean {
    const { kind, text: found } = this.#now
    if (found !== text || kind === 'text') return false
    this.#at++
    return true
  }

  #expect(symbol: string): void {
    if (!this.#takes(symbol)) this.#unexpected(`, expecting "${symbol}"`)
  }

  #unexpected(more = ''): never {
    const { kind, text } = this.#now
    this.#fail(`syntax error: unexpected ${kind === 'end' ? text : JSON.stringify(text)}${more}`, this.#place)
  }

  #fail(reason: string, place: Place): never {
    throw new SchemaError(this.#path, place, reason)
  }

  #next(): Token {
    const token = this.#now
    if (token.kind !== 'end') this.#at++
    return token
  }

  get #now(): Token {
    return this.#ahead(0)
  }

  #ahead(count: number): Token {
    return this.#tokens[Math.min(this.#at + count, this.#tokens.length - 1)]!
  }

  get #place(): Place {
    return placeOf(this.#source, this.#now.start)
  }
}

const MAP_KEYS = new Set(
  'int32 int64 uint32 uint64 sint32 sint64 fixed32 fixed64 sfixed32 sfixed64 bool string'.split(' '),
)

function draft(): Draft {
  return { fields: [], oneofs: [], messages: [], enums: [], features: {} }
}

function fieldBase(name: string, number: number, options: Options, place: Place) {
  const packed = options.get('packed')
  const features = featuresOf(options)
  return {
    name,
    number,
    jsonName: options.get('json_name'),
    features: packed === undefined ? features : { ...features, packed: packed === 'true' },
    place,
  }
}

function featuresOf(options: Options): Features {
  const presence = options.get('features.field_presence')
  const encoding = options.get('features.repeated_field_encoding')
  const messages = options.get('features.message_encoding')
  const utf8 = options.get('features.utf8_validation')
  return {
    ...(presence === 'EXPLICIT' || presence === 'IMPLICIT' || presence === 'LEGACY_REQUIRED' ? { presence } : {}),
    ...(encoding === undefined ? {} : { packed: encoding === 'PACKED' }),
    ...(messages === undefined ? {} : { delimited: messages === 'DELIMITED' }),
    ...(utf8 === undefined ? {} : { checksUtf8: utf8 === 'VERIFY' }),
  }
}

/** Turns `foo_bar` into `fooBar`, as JSON names are derived from field names. */
export function camelCase(name: string): string {
  return name.replaceAll(/_+([A-Za-z\d]?)/g, (_, letter: string) => letter.toUpperCase())
}
