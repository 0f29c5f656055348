import { Buffer } from 'node:buffer'
import { shortestFloat32 } from './float32.ts'
import type { Schema } from './link.ts'
import { MAX_DEPTH, ProtobufError } from './limits.ts'
import { Output } from './output.ts'
import { fieldIndex, type FieldPlan, type Plan, planOf } from './plan.ts'
import { durationText, maskText, timestampText } from './known-texts.ts'
import { DELIMITED, FIXED32, FIXED64, GROUP_END, GROUP_START, type MessageType, VARINT } from './types.ts'

export interface JsonOptions {
  /** Whether fields are named as in the schema rather than in camel case. */
  readonly useProtoNames: boolean
  /** Whether unset fields are included. */
  readonly emitUnpopulated: boolean
}

/** Integers stored per field of a message. */
const STRIDE = 3
const NO_BYTES = new Uint8Array(0)
const floatBytes = new Uint8Array(8)
const doubles = new Float64Array(floatBytes.buffer)
const singles = new Float32Array(floatBytes.buffer)

/**
 * Converts messages to JSON as protojson does: fields in schema order, 64-bit integers as strings. Bytes are translated
 * to text directly. A message is first scanned for the positions of its fields' values, since they may come in any
 * order and repeatedly; the positions are kept in one array used as a stack.
 */
export class JsonPrinter {
  readonly #schema: Schema
  readonly #options: JsonOptions
  readonly #output = new Output()
  #slots = new Int32Array(1024)
  #top = 0
  #input: Uint8Array = NO_BYTES
  /** The current read position. */
  #at = 0
  #depth = 0

  constructor(schema: Schema, options: JsonOptions) {
    this.#schema = schema
    this.#options = options
  }

  /** Throws {@link ProtobufError}. */
  print(type: MessageType, bytes: Uint8Array): Uint8Array {
    this.#output.length = 0
    this.#top = 0
    this.#depth = 0
    this.#input = bytes
    this.#message(planOf(type), 0, bytes.length, '')
    this.#input = NO_BYTES
    return this.#output.take()
  }

  #message(plan: Plan, start: number, end: number, typeUrl: string): void {
    if (++this.#depth > MAX_DEPTH) throw new ProtobufError('exceeded max recursion depth')
    const before = this.#top
    const base = this.#scan(plan, start, end)
    if (plan.required.length > 0 && typeUrl === '') this.#checkRequired(plan, base)
    if (plan.known === undefined || plan.known === 'empty') this.#fields(plan, base, typeUrl)
    else this.#known(plan, base)
    this.#top = before
    this.#depth--
  }

  #checkRequired(plan: Plan, base: number): void {
    for (const { index, type } of plan.required) {
      if (this.#slots[base + index * STRIDE] === 0) throw new ProtobufError(`required field ${type.fullName} not set`)
    }
  }

  #fields(plan: Plan, base: number, typeUrl: string): void {
    const output = this.#output
    const { useProtoNames, emitUnpopulated } = this.#options
    const { fields } = plan
    output.byte(123)
    let isFirst = true
    if (typeUrl !== '') {
      output.ascii('"@type":')
      output.utf8(JSON.stringify(typeUrl))
      isFirst = false
    }
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index]!
      const slot = base + index * STRIDE
      const isSet = this.#slots[slot] !== 0 && !this.#isZero(field, slot)
      if (!isSet && (!emitUnpopulated || field.type.isAlternative)) continue
      if (isFirst) isFirst = false
      else output.byte(44)
      output.raw(useProtoNames ? field.protoName : field.jsonName)
      if (isSet) this.#field(field, slot)
      else this.#unset(field)
    }
    output.byte(125)
  }

  /** Whether a value counts as absent: a zero without presence, or only empty runs of packed values. */
  #isZero(field: FieldPlan, slot: number): boolean {
    const { isRepeated, hasPresence } = field.type
    if (hasPresence) return false
    if (isRepeated) {
      if (field.wireType === DELIMITED || field.wireType === GROUP_START) return false
      for (let node = this.#slots[slot + 1]!; node !== 0; node = this.#slots[node + 2]!) {
        const end = this.#slots[node + 1]!
        if (end >= 0 || -end - 1 > this.#slots[node]!) return false
      }
      return true
    }
    const start = this.#slots[slot + 1]!
    const end = this.#slots[slot + 2]!
    if (field.wireType === DELIMITED) return start === end
    const last = field.wireType === VARINT ? end - 1 : end
    for (let at = start; at < last; at++)
      if (this.#input[at] !== 0 && (field.wireType !== VARINT || this.#input[at] !== 128)) return false
    return field.wireType !== VARINT || (this.#input[last]! & 127) === 0
  }

  #unset({ type }: FieldPlan): void {
    const output = this.#output
    if (type.isMap) output.ascii('{}')
    else if (type.isRepeated) output.ascii('[]')
    else if (type.hasPresence) output.ascii('null')
    else this.#zero(type)
  }

  #zero(type: FieldPlan['type']): void {
    const output = this.#output
    switch (type.kind) {
      case 'string':
      case 'bytes':
        output.ascii('""')
        return
      case 'bool':
        output.ascii('false')
        return
      case 'enum':
        this.#enum(type, 0)
        return
      case 'int64':
      case 'uint64':
      case 'sint64':
      case 'fixed64':
      case 'sfixed64':
        output.ascii('"0"')
        return
      case 'message':
      case 'group':
        this.#message(planOf(type.message!), 0, 0, '')
        return
      default:
        output.byte(48)
    }
  }

  #field(field: FieldPlan, slot: number): void {
    if (field.type.isMap) this.#map(field, slot)
    else if (field.type.isRepeated) this.#list(field, slot)
    else if (field.type.message === undefined) this.#scalar(field, this.#slots[slot + 1]!, this.#slots[slot + 2]!)
    else this.#merged(field.plan!, slot)
  }

  /** Merges a message that arrived in several pieces. */
  #merged(plan: Plan, slot: number): void {
    const node = this.#slots[slot + 1]!
    if (this.#slots[slot] === 1) {
      this.#message(plan, this.#slots[node]!, this.#slots[node + 1]!, '')
      return
    }
    const pieces: Uint8Array[] = []
    for (let at = node; at !== 0; at = this.#slots[at + 2]!) {
      pieces.push(this.#input.subarray(this.#slots[at], this.#slots[at + 1]))
    }
    this.#elsewhere(plan, Buffer.concat(pieces), '')
  }

  #elsewhere(plan: Plan, bytes: Uint8Array, typeUrl: string): void {
    const outer = this.#input
    this.#input = bytes
    this.#message(plan, 0, bytes.length, typeUrl)
    this.#input = outer
  }

  #list(field: FieldPlan, slot: number): void {
    const output = this.#output
    output.byte(91)
    let isFirst = true
    for (let node = this.#slots[slot + 1]!; node !== 0; node = this.#slots[node + 2]!) {
      const start = this.#slots[node]!
      const end = this.#slots[node + 1]!
      if (end < 0) {
        const last = -end - 1
        for (let at = start; at < last; ) {
          const next = this.#packedEnd(field, at, last)
          if (isFirst) isFirst = false
          else output.byte(44)
          this.#scalar(field, at, next)
          at = next
        }
        continue
      }
      if (isFirst) isFirst = false
      else output.byte(44)
      if (field.type.message === undefined) this.#scalar(field, start, end)
      else this.#message(field.plan!, start, end, '')
    }
    output.byte(93)
  }

  #packedEnd({ wireType }: FieldPlan, at: number, limit: number): number {
    const end = wireType === VARINT ? this.#varintEnd(at, limit) : at + (wireType === FIXED64 ? 8 : 4)
    if (end > limit) throw malformed()
    return end
  }

  /** Prints entries in key order; of several with the same key, the last one. */
  #map(field: FieldPlan, slot: number): void {
    const output = this.#output
    const plan = field.plan!
    const [keyField, valueField] = plan.fields as [FieldPlan, FieldPlan] // a map entry has a key and a value
    const before = this.#top
    const bases: number[] = []
    for (let node = this.#slots[slot + 1]!; node !== 0; node = this.#slots[node + 2]!) {
      bases.push(this.#scan(plan, this.#slots[node]!, this.#slots[node + 1]!))
    }
    const isText = keyField.kind === 'string'
    const compare = isText
      ? (left: number, right: number) => this.#compareTexts(left, right)
      : (left: number, right: number) => compareNumbers(this.#key(keyField, left), this.#key(keyField, right))
    if (bases.length > 1) bases.sort(compare)
    output.byte(123)
    for (let index = 0; index < bases.length; index++) {
      const base = bases[index]!
      if (index + 1 < bases.length && compare(base, bases[index + 1]!) === 0) continue
      if (isText) {
        const isSet = this.#slots[base] !== 0
        const start = isSet ? this.#slots[base + 1]! : 0
        if (!output.quoted(this.#input, start, isSet ? this.#slots[base + 2]! : 0)) throw this.#notUtf8(keyField)
      } else {
        const key = this.#key(keyField, base)
        output.ascii(keyField.kind === 'bool' ? (key === 0 ? '"false"' : '"true"') : `"${key}"`)
      }
      output.byte(58)
      if (this.#slots[base + STRIDE] === 0) this.#zero(valueField.type)
      else this.#field(valueField, base + STRIDE)
      output.byte(44)
    }
    if (bases.length > 0) output.length--
    output.byte(125)
    this.#top = before
  }

  #compareTexts(left: number, right: number): number {
    const input = this.#input
    const slots = this.#slots
    const leftSize = slots[left] === 0 ? 0 : slots[left + 2]! - slots[left + 1]!
    const rightSize = slots[right] === 0 ? 0 : slots[right + 2]! - slots[right + 1]!
    for (let i = 0; i < leftSize && i < rightSize; i++) {
      const difference = input[slots[left + 1]! + i]! - input[slots[right + 1]! + i]!
      if (difference !== 0) return difference
    }
    return leftSize - rightSize
  }

  /** A key that is not a string. */
  #key(field: FieldPlan, slot: number): number | bigint {
    const isSet = this.#slots[slot] !== 0
    const start = this.#slots[slot + 1]!
    switch (field.kind) {
      case 'bool':
        return isSet && this.#low(start) !== 0 ? 1 : 0
      case 'int64':
      case 'uint64':
      case 'sint64':
      case 'fixed64':
      case 'sfixed64':
        return isSet ? this.#bigint(field, start) : 0n
      default:
        return isSet ? this.#int32(field, start) : 0
    }
  }

  #string(field: FieldPlan, start: number, end: number): string {
    const bytes = this.#input.subarray(start, end)
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    if (text.includes('\uFFFD') && Buffer.compare(Buffer.from(text), bytes) !== 0) throw this.#notUtf8(field)
    return text
  }

  #notUtf8({ type }: FieldPlan): ProtobufError {
    return new ProtobufError(`field ${type.fullName} contains invalid UTF-8`, type.checksUtf8 ? 'read' : 'write')
  }

  #scalar(field: FieldPlan, start: number, end: number): void {
    const output = this.#output
    switch (field.kind) {
      case 'string':
        if (!output.quoted(this.#input, start, end)) throw this.#notUtf8(field)
        return
      case 'bytes': {
        const bytes = this.#input.subarray(start, end)
        output.byte(34)
        output.ascii(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'))
        output.byte(34)
        return
      }
      case 'bool':
        output.ascii(this.#isTrue(start, end) ? 'true' : 'false')
        return
      case 'enum':
        this.#enum(field.type, this.#low(start))
        return
      case 'double':
        this.#float(String(this.#double(start)), this.#input[start + 7]!)
        return
      case 'float':
        this.#float(shortestFloat32(this.#single(start)), this.#input[start + 3]!)
        return
      case 'int64':
      case 'uint64':
      case 'sint64':
      case 'fixed64':
      case 'sfixed64':
        output.byte(34)
        this.#int64(field, start)
        output.byte(34)
        return
      default:
        output.integer(this.#int32(field, start))
    }
  }

  /**
   * Prints `text`, the number as formatted by JavaScript. Go formats it alike except for negative zero, which is
   * detected by its sign byte.
   */
  #float(text: string, signByte: number): void {
    const output = this.#output
    if (text === 'NaN' || text.endsWith('Infinity')) output.ascii(`"${text}"`)
    else output.ascii(text === '0' && signByte >= 128 ? '-0' : text)
  }

  #enum(type: FieldPlan['type'], number: number): void {
    const { fullName, names } = type.enum!
    if (fullName === 'google.protobuf.NullValue') {
      this.#output.ascii('null')
      return
    }
    const name = names.get(number)
    if (name === undefined) this.#output.integer(number)
    else this.#output.ascii(`"${name}"`)
  }

  #isTrue(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if ((this.#input[at]! & 127) !== 0) return true
    return false
  }

  #int32({ kind }: FieldPlan, start: number): number {
    switch (kind) {
      case 'uint32':
        return this.#low(start) >>> 0
      case 'sint32': {
        const value = this.#low(start)
        return (value >>> 1) ^ -(value & 1)
      }
      case 'fixed32':
        return this.#fixed32(start) >>> 0
      case 'sfixed32':
        return this.#fixed32(start)
      default:
        return this.#low(start)
    }
  }

  /** The lower 32 bits of a varint, signed. */
  #low(start: number): number {
    const input = this.#input
    let byte = input[start]!
    if (byte < 128) return byte
    let value = byte & 127
    let at = start
    for (let shift = 7; byte >= 128 && shift < 35; shift += 7) {
      byte = input[++at]!
      value |= (byte & 127) << shift
    }
    return value
  }

  #int64(field: FieldPlan, start: number): void {
    if (field.wireType === VARINT && field.kind !== 'sint64') {
      const input = this.#input
      let value = 0
      let factor = 1
      // Seven bytes fit into a double.
      for (let at = start; at < start + 7; at++) {
        const byte = input[at]!
        value += (byte & 127) * factor
        if (byte < 128) {
          this.#output.integer(value)
          return
        }
        factor *= 128
      }
    }
    this.#output.ascii(String(this.#bigint(field, start)))
  }

  #fixed32(start: number): number {
    const input = this.#input
    return input[start]! | (input[start + 1]! << 8) | (input[start + 2]! << 16) | (input[start + 3]! << 24)
  }

  #fixed64(start: number): bigint {
    return BigInt(this.#fixed32(start) >>> 0) | (BigInt(this.#fixed32(start + 4) >>> 0) << 32n)
  }

  // Avoids a `DataView`, which would have to be created for each message.
  #double(start: number): number {
    for (let i = 0; i < 8; i++) floatBytes[i] = this.#input[start + i]!
    return doubles[0]!
  }

  #single(start: number): number {
    for (let i = 0; i < 4; i++) floatBytes[i] = this.#input[start + i]!
    return singles[0]!
  }

  #bigint({ kind }: FieldPlan, start: number): bigint {
    switch (kind) {
      case 'fixed64':
        return this.#fixed64(start)
      case 'sfixed64':
        return BigInt.asIntN(64, this.#fixed64(start))
      case 'uint64':
        return this.#big(start)
      case 'sint64': {
        const value = this.#big(start)
        return (value >> 1n) ^ -(value & 1n)
      }
      default:
        return BigInt.asIntN(64, this.#big(start))
    }
  }

  #big(start: number): bigint {
    let value = 0n
    let shift = 0n
    for (let at = start; ; at++) {
      const byte = this.#input[at]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, value)
      shift += 7n
    }
  }

  /** Finds the values of each field (see the class). Returns the index of the first field's three integers. */
  #scan(plan: Plan, start: number, end: number): number {
    const { length } = plan.fields
    const base = this.#top
    const size = length * STRIDE + plan.oneofs
    this.#grow(size)
    const slots = this.#slots
    if (size > 64) slots.fill(0, base, base + size)
    else for (let at = base; at < base + size; at++) slots[at] = 0
    const input = this.#input
    this.#at = start
    while (this.#at < end) {
      let tag = input[this.#at]!
      if (tag < 128) this.#at++
      else tag = this.#length(end)
      const number = Math.floor(tag / 8)
      const wireType = tag & 7
      if (number === 0) throw malformed()
      const index = fieldIndex(plan, number)
      const valueStart = this.#at
      let valueEnd: number
      switch (wireType) {
        case VARINT:
          valueEnd = this.#varintEnd(valueStart, end)
          this.#at = valueEnd
          break
        case FIXED64:
          valueEnd = valueStart + 8
          this.#at = valueEnd
          break
        case FIXED32:
          valueEnd = valueStart + 4
          this.#at = valueEnd
          break
        case DELIMITED: {
          const count = this.#length(end)
          valueEnd = this.#at + count
          if (valueEnd > end) throw malformed()
          if (index !== -1) this.#record(plan, base, index, wireType, this.#at, valueEnd)
          this.#at = valueEnd
          continue
        }
        case GROUP_START:
          valueEnd = this.#groupEnd(number, end, 0)
          break
        default:
          throw malformed()
      }
      if (valueEnd > end) throw malformed()
      if (index !== -1) this.#record(plan, base, index, wireType, valueStart, valueEnd)
    }
    return base
  }

  /** A value with another wire type than its field's is unknown, except for packed ones. */
  #record(plan: Plan, base: number, index: number, wireType: number, start: number, end: number): void {
    const field = plan.fields[index]!
    const { isRepeated, message, oneof } = field.type
    let last = end
    if (wireType !== field.wireType) {
      if (!isRepeated || wireType !== DELIMITED || field.wireType === GROUP_START) return
      last = -end - 1
    }
    const slot = base + index * STRIDE
    if (oneof !== -1) this.#choose(plan, base, oneof, index)
    if (!isRepeated && message === undefined) {
      const slots = this.#slots
      slots[slot] = 1
      slots[slot + 1] = start
      slots[slot + 2] = end
      return
    }
    const node = this.#top
    this.#grow(3)
    const slots = this.#slots
    slots[node] = start
    slots[node + 1] = last
    slots[node + 2] = 0
    if (slots[slot] === 0) slots[slot + 1] = node
    else slots[slots[slot + 2]! + 2] = node
    slots[slot]!++
    slots[slot + 2] = node
  }

  /** Setting a member of a oneof clears the others. */
  #choose(plan: Plan, base: number, oneof: number, index: number): void {
    const slots = this.#slots
    const place = base + plan.fields.length * STRIDE + oneof
    const before = slots[place]!
    if (before !== 0 && before !== index + 1) slots[base + (before - 1) * STRIDE] = 0
    slots[place] = index + 1
  }

  #grow(count: number): void {
    this.#top += count
    if (this.#top <= this.#slots.length) return
    const larger = new Int32Array(Math.max(this.#top, this.#slots.length * 2))
    larger.set(this.#slots)
    this.#slots = larger
  }

  /** A tag or length, of at most 32 bits. */
  #length(end: number): number {
    const input = this.#input
    let value = 0
    let factor = 1
    for (let count = 0; count < 10; count++) {
      if (this.#at >= end) throw malformed()
      const byte = input[this.#at++]!
      value += (byte & 127) * factor
      if (byte < 128) {
        if (value > 0xffff_ffff) throw malformed()
        return value
      }
      factor *= 128
    }
    throw malformed()
  }

  #varintEnd(start: number, end: number): number {
    const input = this.#input
    for (let at = start; at < end && at < start + 10; at++) {
      if (input[at]! < 128) {
        if (at === start + 9 && input[at]! > 1) throw malformed()
        return at + 1
      }
    }
    throw malformed()
  }

  /** The end of a group's content; the read position moves past its end tag. */
  #groupEnd(number: number, end: number, depth: number): number {
    if (depth > MAX_DEPTH) throw new ProtobufError('exceeded max recursion depth')
    while (this.#at < end) {
      const before = this.#at
      const tag = this.#length(end)
      switch (tag & 7) {
        case VARINT:
          this.#at = this.#varintEnd(this.#at, end)
          break
        case FIXED64:
          this.#at += 8
          break
        case FIXED32:
          this.#at += 4
          break
        case DELIMITED: {
          const count = this.#length(end)
          this.#at += count
          break
        }
        case GROUP_START:
          this.#groupEnd(Math.floor(tag / 8), end, depth + 1)
          break
        case GROUP_END:
          if (Math.floor(tag / 8) !== number) throw malformed()
          return before
        default:
          throw malformed()
      }
    }
    throw malformed()
  }

  #known(plan: Plan, base: number): void {
    const output = this.#output
    const [first, second] = plan.fields
    switch (plan.known) {
      case 'any':
        this.#any(first!, base)
        return
      case 'timestamp':
        output.ascii(`"${timestampText(this.#number64(first!, base), this.#number32(second!, base + STRIDE))}"`)
        return
      case 'duration':
        output.ascii(`"${durationText(this.#number64(first!, base), this.#number32(second!, base + STRIDE))}"`)
        return
      case 'wrapper':
        if (this.#slots[base] === 0) this.#zero(first!.type)
        else this.#field(first!, base)
        return
      case 'struct':
        this.#map(first!, base)
        return
      case 'list':
        this.#list(first!, base)
        return
      case 'mask':
        output.utf8(jsonText(maskText(this.#texts(first!, base))))
        return
      default:
        this.#value(plan, base)
    }
  }

  #value(plan: Plan, base: number): void {
    const chosen = this.#slots[base + plan.fields.length * STRIDE]!
    if (chosen === 0) throw new ProtobufError('google.protobuf.Value: none of the oneof fields is set', 'write')
    const field = plan.fields[chosen - 1]!
    const slot = base + field.index * STRIDE
    if (field.kind === 'double') {
      const number = this.#double(this.#slots[slot + 1]!)
      if (!Number.isFinite(number)) {
        const text = Number.isNaN(number) ? 'NaN' : number > 0 ? '+Inf' : '-Inf'
        throw new ProtobufError(`google.protobuf.Value.number_value: invalid ${text} value`, 'write')
      }
    }
    this.#field(field, slot)
  }

  #any(urlField: FieldPlan, base: number): void {
    const output = this.#output
    const hasUrl = this.#slots[base] !== 0 && this.#slots[base + 1] !== this.#slots[base + 2]
    const hasValue = this.#slots[base + STRIDE] !== 0
    if (!hasUrl) {
      if (hasValue && this.#slots[base + STRIDE + 1] !== this.#slots[base + STRIDE + 2]) {
        throw new ProtobufError('google.protobuf.Any: type_url is not set', 'write')
      }
      output.ascii('{}')
      return
    }
    const url = this.#string(urlField, this.#slots[base + 1]!, this.#slots[base + 2]!)
    const type = this.#schema.messages.get(url.slice(url.lastIndexOf('/') + 1))
    if (type === undefined) {
      throw new ProtobufError(`google.protobuf.Any: unable to resolve ${JSON.stringify(url)}: not found`, 'write')
    }
    const value = hasValue
      ? this.#input.subarray(this.#slots[base + STRIDE + 1], this.#slots[base + STRIDE + 2])
      : NO_BYTES
    const plan = planOf(type)
    if (plan.known === undefined || plan.known === 'empty') {
      this.#elsewhere(plan, value, url)
      return
    }
    output.utf8(`{"@type":${jsonText(url)},"value":`)
    this.#elsewhere(plan, value, '')
    output.byte(125)
  }

  #texts(field: FieldPlan, slot: number): readonly string[] {
    const texts: string[] = []
    for (let node = this.#slots[slot + 1]!; this.#slots[slot] !== 0 && node !== 0; node = this.#slots[node + 2]!) {
      texts.push(this.#string(field, this.#slots[node]!, this.#slots[node + 1]!))
    }
    return texts
  }

  #number64(field: FieldPlan, slot: number): bigint {
    return this.#slots[slot] === 0 ? 0n : this.#bigint(field, this.#slots[slot + 1]!)
  }

  #number32(field: FieldPlan, slot: number): number {
    return this.#slots[slot] === 0 ? 0 : this.#int32(field, this.#slots[slot + 1]!)
  }
}

function malformed(): ProtobufError {
  return new ProtobufError('cannot parse invalid wire-format data')
}

/** `JSON.stringify` escapes only what is necessary, apart from lone surrogates. */
function jsonText(text: string): string {
  return JSON.stringify(text)
}

function compareNumbers(left: number | bigint, right: number | bigint): number {
  return left < right ? -1 : left > right ? 1 : 0
}
