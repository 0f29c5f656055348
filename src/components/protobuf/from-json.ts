import { Buffer } from 'node:buffer'
import { JsonReader } from './json-reader.ts'
import { KeySet } from './key-set.ts'
import { type Moment, maskPaths, parseDuration, parseTimestamp } from './known-texts.ts'
import type { Schema } from './link.ts'
import { MAX_DEPTH, ProtobufError } from './limits.ts'
import { Output } from './output.ts'
import { type FieldPlan, type Plan, planOf } from './plan.ts'
import type { FieldKind, MessageType } from './types.ts'

const NO_BYTES = new Uint8Array(0)
const TWO_32 = 4_294_967_296

/**
 * Converts JSON documents to messages as protojson does. The text of a document is translated to bytes directly: fields
 * are written in document order, and one byte is reserved in front of everything that has a length.
 */
export class JsonParser {
  readonly #schema: Schema
  readonly #discardUnknown: boolean
  readonly #reader = new JsonReader()
  readonly #output = new Output()
  /** Which fields and oneofs of the messages being read are set. */
  #seen = new Uint8Array(1024)
  #top = 0
  #depth = 0

  constructor(schema: Schema, discardUnknown: boolean) {
    this.#schema = schema
    this.#discardUnknown = discardUnknown
  }

  /** Throws {@link ProtobufError}. */
  parse(type: MessageType, document: Uint8Array): Uint8Array {
    this.#output.length = 0
    this.#top = 0
    this.#depth = 0
    this.#reader.use(document)
    this.#message(planOf(type), false)
    this.#reader.finish()
    this.#reader.input = NO_BYTES
    return this.#output.take()
  }

  /** `inAny`: the object is that of an `Any`, and includes the name of its type. */
  #message(plan: Plan, inAny: boolean): void {
    if (++this.#depth > MAX_DEPTH) throw new ProtobufError('exceeded max recursion depth')
    if (plan.known !== undefined) this.#known(plan)
    else this.#fields(plan, inAny)
    this.#depth--
  }

  #fields(plan: Plan, inAny: boolean): void {
    const reader = this.#reader
    const base = this.#enter(plan)
    let before: FieldPlan | undefined
    for (let more = reader.openObject(); more; more = reader.nextMember()) {
      const place = reader.name()
      const field = this.#named(plan, before)
      if (field === undefined) {
        if (inAny && reader.text() === '@type') reader.skip(0)
        else if (this.#discardUnknown) reader.skip(0)
        else reader.fail(place, `unknown field ${reader.rawAt(place)}`)
        continue
      }
      before = field
      if (this.#seen[base + field.index] === 1) reader.fail(place, `duplicate field ${reader.rawAt(place)}`)
      this.#seen[base + field.index] = 1
      if (reader.kind === 'null' && !takesNull(field)) {
        reader.word('null')
        // A null leaves a field unset, so a required one is still missing.
        if (field.type.isRequired) this.#seen[base + field.index] = 2
        continue
      }
      this.#field(plan, field, base, place)
    }
    if (!inAny) {
      for (const { index, type } of plan.required) {
        if (this.#seen[base + index] !== 1) throw new ProtobufError(`required field ${type.fullName} not set`)
      }
    }
    this.#top = base
  }

  #enter(plan: Plan): number {
    const base = this.#top
    const size = plan.fields.length + plan.oneofs
    this.#top += size
    if (this.#top > this.#seen.length) {
      const larger = new Uint8Array(this.#top * 2)
      larger.set(this.#seen)
      this.#seen = larger
    }
    this.#seen.fill(0, base, this.#top)
    return base
  }

  /**
   * Looks up a field by name. Similar documents mostly have their fields in the same order, so the field that followed
   * last time is tried first.
   */
  #named(plan: Plan, before: FieldPlan | undefined): FieldPlan | undefined {
    const guess = before === undefined ? plan.fields[0] : before.next
    if (guess !== undefined && this.#isNamed(guess.nameBytes)) return guess
    const field = plan.byName.get(this.#reader.text())
    if (before !== undefined) before.next = field
    return field
  }

  #isNamed(name: Uint8Array): boolean {
    const { input, start, end } = this.#reader
    if (end - start !== name.length) return false
    for (let i = 0; i < name.length; i++) if (input[start + i] !== name[i]) return false
    return true
  }

  #field(plan: Plan, field: FieldPlan, base: number, place: number): void {
    const { type } = field
    if (type.isMap) this.#map(field)
    else if (type.isRepeated) this.#list(field)
    else {
      if (type.oneof !== -1) {
        const flag = base + plan.fields.length + type.oneof
        if (this.#seen[flag] === 1) {
          const name = plan.type.oneofs[type.oneof]
          this.#reader.fail(place, `error parsing ${this.#reader.rawAt(place)}, oneof ${name} is already set`)
        }
        this.#seen[flag] = 1
      }
      if (type.message !== undefined) this.#nested(field)
      else this.#single(field, type.hasPresence)
    }
  }

  #nested(field: FieldPlan): void {
    const output = this.#output
    output.raw(field.tag)
    if (field.kind === 'group') {
      this.#message(field.plan!, false)
      output.raw(field.endTag)
      return
    }
    const start = output.beginLength()
    this.#message(field.plan!, false)
    output.endLength(start)
  }

  /** Writes a tag and value; writes nothing if the value is a zero that need not be written. */
  #single(field: FieldPlan, isKept: boolean): void {
    const output = this.#output
    const before = output.length
    output.raw(field.elementTag)
    if (!this.#scalar(field, isKept)) output.length = before
  }

  #list(field: FieldPlan): void {
    const reader = this.#reader
    const output = this.#output
    if (reader.kind !== 'array') reader.unexpected()
    if (!reader.openArray()) return
    if (!field.type.isPacked) {
      do {
        if (field.type.message === undefined) this.#single(field, true)
        else this.#nested(field)
      } while (reader.nextElement())
      return
    }
    const before = output.length
    output.raw(field.tag)
    const start = output.beginLength()
    do this.#scalar(field, true)
    while (reader.nextElement())
    if (output.length === start) output.length = before
    else output.endLength(start)
  }

  #map(field: FieldPlan): void {
    const reader = this.#reader
    const output = this.#output
    // A map entry has a key and a value.
    const [keyField, valueField] = field.plan!.fields as [FieldPlan, FieldPlan]
    const keys = new KeySet(reader)
    if (reader.kind !== 'object') reader.unexpected()
    for (let more = reader.openObject(); more; more = reader.nextMember()) {
      const place = reader.name()
      const before = output.length
      output.raw(field.tag)
      const start = output.beginLength()
      output.raw(keyField.elementTag)
      if (keyField.kind === 'string') {
        if (!keys.addText()) reader.fail(place, `duplicate map key ${reader.rawAt(place)}`)
        this.#text()
      } else if (!keys.add(this.#key(keyField, place))) {
        reader.fail(place, `duplicate map key ${reader.rawAt(place)}`)
      }
      if (valueField.type.message !== undefined) this.#nested(valueField)
      else {
        const length = output.length
        this.#single(valueField, true)
        // An unknown enum name drops its entry.
        if (output.length === length) {
          output.length = before
          continue
        }
      }
      output.endLength(start)
    }
  }

  /** Writes a key that is not a string; returns its text. */
  #key({ kind }: FieldPlan, place: number): string {
    const reader = this.#reader
    const output = this.#output
    const text = reader.text()
    const invalid = () => reader.fail(place, `invalid value for ${kind} key: ${reader.rawAt(place)}`)
    if (kind === 'bool') {
      if (text !== 'true' && text !== 'false') invalid()
      output.byte(text === 'true' ? 1 : 0)
      return text
    }
    const value =
      /^[+-]?\d+$/.test(text) && !(isUnsigned(kind) && /^[+-]/.test(text)) ? BigInt(text.replace('+', '')) : undefined
    if (value === undefined || !fits(kind, value)) return invalid()
    this.#integer(kind, value)
    return String(value)
  }

  /** Writes a value; returns false if nothing was written, for an unknown enum name or a zero that is not kept. */
  #scalar(field: FieldPlan, isKept: boolean): boolean {
    const reader = this.#reader
    const output = this.#output
    const place = reader.at
    const { kind } = field
    switch (kind) {
      case 'string':
        if (reader.kind !== 'string') return this.#invalid(field, place)
        reader.string()
        if (!isKept && reader.start === reader.end) return false
        this.#text()
        return true
      case 'bool': {
        const word = reader.kind
        if (word !== 'true' && word !== 'false') return this.#invalid(field, place)
        reader.word(word)
        output.byte(word === 'true' ? 1 : 0)
        return isKept || word === 'true'
      }
      case 'bytes':
        return this.#bytes(field, place, isKept)
      case 'enum':
        return this.#enum(field, place, isKept)
      case 'double':
      case 'float':
        return this.#float(field, place, isKept)
      default:
        return this.#int(field, place, isKept)
    }
  }

  #invalid({ type, kind }: FieldPlan, place: number): never {
    const reader = this.#reader
    reader.at = place
    if (reader.kind === 'other') reader.unexpected()
    // An invalid value is reported as such.
    if (reader.kind !== 'object' && reader.kind !== 'array') reader.skip(0)
    return reader.fail(place, `invalid value for ${kind} field ${type.jsonName}: ${reader.rawAt(place)}`)
  }

  /** Writes the most recently read string, preceded by its length. */
  #text(): void {
    const { input, start, end, isEscaped } = this.#reader
    const output = this.#output
    if (isEscaped) {
      const from = output.beginLength()
      output.utf8(this.#reader.text())
      output.endLength(from)
      return
    }
    output.varint(end - start)
    output.copy(input, start, end)
  }

  #bytes(field: FieldPlan, place: number, isKept: boolean): boolean {
    const reader = this.#reader
    if (reader.kind !== 'string') return this.#invalid(field, place)
    reader.string()
    const text = reader.text()
    // Both base64 alphabets, with or without padding. Go ignores line breaks.
    const plain = text.replaceAll(/[\r\n]/g, '')
    const isUrl = /[-_]/.test(plain)
    const pattern = isUrl ? /^[\w-]*={0,2}$/ : /^[A-Za-z\d+/]*={0,2}$/
    const isPadded = plain.endsWith('=')
    if (!pattern.test(plain) || (isPadded ? text.length % 4 !== 0 : plain.length % 4 === 1))
      return this.#invalid(field, place)
    if (isPadded !== (text.length % 4 === 0 && plain.replaceAll('=', '').length % 4 !== 0))
      return this.#invalid(field, place)
    const bytes = Buffer.from(plain, isUrl ? 'base64url' : 'base64')
    if (!isKept && bytes.length === 0) return false
    this.#output.varint(bytes.length)
    this.#output.raw(bytes)
    return true
  }

  #enum(field: FieldPlan, place: number, isKept: boolean): boolean {
    const reader = this.#reader
    const output = this.#output
    let number: number | undefined
    if (reader.kind === 'string') {
      reader.string()
      number = field.type.enum!.numbers.get(reader.text())
      if (number === undefined && this.#discardUnknown) return false
    } else if (reader.kind === 'number') {
      const value = integerOf(reader.number())
      if (value !== undefined && fits('int32', value)) number = Number(value)
    } else if (reader.kind === 'null' && takesNull(field)) {
      reader.word('null')
      number = 0
    }
    if (number === undefined) return this.#invalid(field, place)
    if (number < 0) output.bigVarint(BigInt(number))
    else output.varint(number)
    return isKept || number !== 0
  }

  #float(field: FieldPlan, place: number, isKept: boolean): boolean {
    const reader = this.#reader
    let value: number | undefined
    if (reader.kind === 'number') value = Number(reader.number())
    else if (reader.kind === 'string') {
      reader.string()
      value = floatOf(reader.text())
      if (value !== undefined && !Number.isFinite(value)) return this.#writeFloat(field.kind, value)
    }
    const isDouble = field.kind === 'double'
    if (value === undefined || !Number.isFinite(isDouble ? value : Math.fround(value)))
      return this.#invalid(field, place)
    this.#writeFloat(field.kind, value)
    return isKept || !Object.is(isDouble ? value : Math.fround(value), 0)
  }

  #writeFloat(kind: FieldKind, value: number): boolean {
    const output = this.#output
    output.reserve(8)
    output.length =
      kind === 'double'
        ? output.bytes.writeDoubleLE(value, output.length)
        : output.bytes.writeFloatLE(value, output.length)
    return true
  }

  #int(field: FieldPlan, place: number, isKept: boolean): boolean {
    const reader = this.#reader
    const { kind } = field
    const small = reader.kind === 'number' ? this.#digits() : -1
    if (small !== -1 && small <= LIMITS[kind]!) {
      if (kind === 'int32' || kind === 'int64' || kind === 'uint32' || kind === 'uint64') this.#output.varint(small)
      else this.#integer(kind, BigInt(small))
      return isKept || small !== 0
    }
    let value: bigint | undefined
    if (small !== -1) value = BigInt(small)
    else if (reader.kind === 'number') value = integerOf(reader.number())
    else if (reader.kind === 'string') {
      reader.string()
      const few = this.#digitsOfText()
      if (few !== -1 && (kind === 'int64' || kind === 'uint64')) {
        this.#output.varint(few)
        return isKept || few !== 0
      }
      const text = few === -1 ? reader.text() : ''
      value = few !== -1 ? BigInt(few) : NUMBER.test(text) ? integerOf(text) : undefined
    }
    if (value === undefined || !fits(kind, value)) return this.#invalid(field, place)
    this.#integer(kind, value)
    return isKept || value !== 0n
  }

  /**
   * Reads a number of up to 15 digits and nothing else; returns -1 without consuming anything if it is another number.
   */
  #digits(): number {
    const reader = this.#reader
    const { input, at: place } = reader
    let at = place
    let value = 0
    for (; at < place + 15; at++) {
      const byte = input[at] ?? 0
      if (byte < 48 || byte > 57) break
      value = value * 10 + (byte - 48)
    }
    const next = input[at]
    if (at === place || (input[place] === 48 && at > place + 1)) return -1
    if (next !== undefined && next !== 44 && next !== 125 && next !== 93 && next > 32) return -1
    reader.at = at
    reader.space()
    return value
  }

  /** Like {@link #digits}, for the most recently read string. */
  #digitsOfText(): number {
    const { input, start, end } = this.#reader
    if (end === start || end - start > 15 || (input[start] === 48 && end > start + 1)) return -1
    let value = 0
    for (let at = start; at < end; at++) {
      const byte = input[at]!
      if (byte < 48 || byte > 57) return -1
      value = value * 10 + (byte - 48)
    }
    return value
  }

  #integer(kind: FieldKind, value: bigint): void {
    const output = this.#output
    switch (kind) {
      case 'sint32':
      case 'sint64':
        output.bigVarint(value < 0n ? -value * 2n - 1n : value * 2n)
        return
      case 'fixed32':
      case 'sfixed32':
        output.reserve(4)
        output.length = output.bytes.writeUInt32LE(Number(BigInt.asUintN(32, value)), output.length)
        return
      case 'fixed64':
      case 'sfixed64':
        output.reserve(8)
        output.length = output.bytes.writeBigUInt64LE(BigInt.asUintN(64, value), output.length)
        return
      default:
        output.bigVarint(value)
    }
  }

  #known(plan: Plan): void {
    const reader = this.#reader
    const [first, second] = plan.fields
    switch (plan.known) {
      case 'any':
        this.#any(plan)
        return
      case 'timestamp':
      case 'duration':
        this.#moment(plan, first!, second!)
        return
      case 'wrapper':
        this.#single(first!, false)
        return
      case 'struct':
        this.#map(first!)
        return
      case 'list':
        this.#list(first!)
        return
      case 'mask':
        this.#mask(first!)
        return
      case 'empty':
        for (let more = reader.openObject(); more; more = reader.nextMember()) {
          const place = reader.name()
          if (!this.#discardUnknown) reader.fail(place, `unknown field ${reader.rawAt(place)}`)
          reader.skip(0)
        }
        return
      default:
        this.#value(plan)
    }
  }

  #moment(plan: Plan, seconds: FieldPlan, nanos: FieldPlan): void {
    const reader = this.#reader
    const place = reader.at
    if (reader.kind !== 'string') reader.unexpected()
    reader.string()
    const text = reader.text()
    const moment: Moment | 'range' | undefined = plan.known === 'timestamp' ? parseTimestamp(text) : parseDuration(text)
    const name = plan.type.fullName
    if (moment === undefined) return reader.fail(place, `invalid ${name} value ${reader.rawAt(place)}`)
    if (moment === 'range') return reader.fail(place, `${name} value out of range: ${reader.rawAt(place)}`)
    for (const [field, value] of [
      [seconds, moment.seconds],
      [nanos, moment.nanos],
    ] as const) {
      if (value === 0) continue
      this.#output.raw(field.tag)
      if (value > 0) this.#output.varint(value)
      else this.#output.bigVarint(BigInt(value))
    }
  }

  #mask(field: FieldPlan): void {
    const reader = this.#reader
    const output = this.#output
    const place = reader.at
    if (reader.kind !== 'string') reader.unexpected()
    reader.string()
    const mask = maskPaths(reader.text())
    if ('invalid' in mask) {
      return reader.fail(
        place,
        `google.protobuf.FieldMask.paths contains invalid path: ${JSON.stringify(mask.invalid)}`,
      )
    }
    for (const path of mask.paths) {
      output.raw(field.tag)
      const start = output.beginLength()
      output.utf8(path)
      output.endLength(start)
    }
  }

  #value(plan: Plan): void {
    const reader = this.#reader
    const field = (index: number) => plan.fields[index]!
    switch (reader.kind) {
      case 'null':
        this.#single(field(0), true)
        return
      case 'number':
        this.#number(field(1), reader.at)
        return
      case 'string':
        this.#single(field(2), true)
        return
      case 'true':
      case 'false':
        this.#single(field(3), true)
        return
      case 'object':
        this.#nested(field(4))
        return
      case 'array':
        this.#nested(field(5))
        return
      default:
        reader.unexpected()
    }
  }

  #number(field: FieldPlan, place: number): void {
    const reader = this.#reader
    const value = Number(reader.number())
    if (!Number.isFinite(value)) reader.fail(place, `invalid google.protobuf.Value: ${reader.rawAt(place)}`)
    this.#output.raw(field.tag)
    this.#writeFloat(field.kind, value)
  }

  #any({ fields: [urlField, valueField] }: Plan): void {
    const reader = this.#reader
    const output = this.#output
    if (reader.kind !== 'object') reader.unexpected()
    const place = reader.at
    const found = this.#typeUrl(place)
    if (found === undefined) {
      reader.skip(0)
      return
    }
    const { url, place: urlPlace } = found
    const type = this.#schema.messages.get(url.slice(url.lastIndexOf('/') + 1))
    if (type === undefined) return reader.fail(urlPlace, `unable to resolve ${JSON.stringify(url)}: "not found"`)
    output.raw(urlField!.tag)
    const start = output.beginLength()
    output.utf8(url)
    output.endLength(start)
    const before = output.length
    output.raw(valueField!.tag)
    const from = output.beginLength()
    const plan = planOf(type)
    if (plan.known === undefined) this.#message(plan, true)
    else this.#anyValue(plan)
    if (output.length === from) output.length = before
    else output.endLength(from)
  }

  /**
   * The `@type` of the object at the current position, which is not consumed; undefined if it stands for no message.
   */
  #typeUrl(place: number): { readonly url: string; readonly place: number } | undefined {
    const reader = this.#reader
    let found: { readonly url: string; readonly place: number } | undefined
    let isEmpty = true
    for (let more = reader.openObject(); more; more = reader.nextMember()) {
      isEmpty = false
      const namePlace = reader.name()
      if (reader.text() !== '@type') {
        reader.skip(0)
        continue
      }
      if (found !== undefined) reader.fail(namePlace, 'duplicate "@type" field')
      const at = reader.at
      if (reader.kind !== 'string') reader.fail(at, `@type field value is not a string: ${reader.rawAt(at)}`)
      reader.string()
      if (reader.start === reader.end) reader.fail(at, '@type field contains empty value')
      found = { url: reader.text(), place: at }
    }
    reader.at = place
    if (found === undefined && !isEmpty && !this.#discardUnknown) reader.fail(place, 'missing "@type" field')
    return found
  }

  #anyValue(plan: Plan): void {
    const reader = this.#reader
    let isFound = false
    let end = reader.at
    for (let more = reader.openObject(); more; more = reader.nextMember()) {
      const place = reader.name()
      const name = reader.text()
      if (name === '@type') reader.skip(0)
      else if (name === 'value') {
        if (isFound) reader.fail(place, 'duplicate "value" field')
        isFound = true
        this.#message(plan, false)
      } else if (this.#discardUnknown) reader.skip(0)
      else reader.fail(place, `unknown field ${reader.rawAt(place)}`)
      end = reader.at
    }
    if (!isFound && plan.known !== 'empty') reader.fail(end, 'missing "value" field')
  }
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function floatOf(text: string): number | undefined {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return Number(text)
  if (!NUMBER.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

/**
 * The integer that the text of a number represents, which may have a zero fraction or an exponent; undefined for other
 * numbers.
 */
function integerOf(text: string): bigint | undefined {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '')
  if (/^0+$/.test(digits)) return 0n
  const shift = Number(exponent) - fraction.length
  const zeros = digits.length - digits.replace(/0+$/, '').length
  if (shift < 0 && -shift > zeros) return undefined
  if (digits.length + shift > 20) return undefined
  const value = shift < 0 ? digits.slice(0, digits.length + shift) : digits + '0'.repeat(shift)
  return BigInt(`${sign}${value}`)
}

const LIMITS: Readonly<Record<string, number>> = {
  int32: TWO_32 / 2 - 1,
  sint32: TWO_32 / 2 - 1,
  sfixed32: TWO_32 / 2 - 1,
  uint32: TWO_32 - 1,
  fixed32: TWO_32 - 1,
  int64: Number.MAX_SAFE_INTEGER,
  sint64: Number.MAX_SAFE_INTEGER,
  sfixed64: Number.MAX_SAFE_INTEGER,
  uint64: Number.MAX_SAFE_INTEGER,
  fixed64: Number.MAX_SAFE_INTEGER,
}

function isUnsigned(kind: FieldKind): boolean {
  return kind === 'uint32' || kind === 'uint64' || kind === 'fixed32' || kind === 'fixed64'
}

function fits(kind: FieldKind, value: bigint): boolean {
  const bits = kind.endsWith('32') ? 32 : 64
  return (isUnsigned(kind) ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value)) === value
}

/** Whether null is a value of the field rather than leaving it unset. */
function takesNull({ type }: FieldPlan): boolean {
  return type.message?.fullName === 'google.protobuf.Value' || type.enum?.fullName === 'google.protobuf.NullValue'
}
