import { Buffer } from 'node:buffer'
import type { FieldType, MessageType } from './types.ts'
import { type FieldKind, wireTypeOf } from './types.ts'

/** Well-known types whose JSON form differs from that of their fields. */
type KnownType =
  | 'any'
  | 'timestamp'
  | 'duration'
  | 'wrapper'
  | 'struct'
  | 'value'
  | 'list'
  | 'mask'
  | 'empty'
  | undefined

/** Precomputed data of a message type. */
export interface Plan {
  readonly type: MessageType
  readonly known: KnownType
  readonly fields: readonly FieldPlan[]
  /** Index of a field by its number, or undefined. */
  readonly byNumber: readonly (number | undefined)[]
  /** Indexes of fields with large numbers. */
  readonly byLargeNumber: ReadonlyMap<number, number>
  /** By JSON name and by field name. */
  readonly byName: ReadonlyMap<string, FieldPlan>
  /** The number of oneofs. */
  readonly oneofs: number
  readonly required: readonly FieldPlan[]
}

export interface FieldPlan {
  readonly type: FieldType
  readonly index: number
  readonly kind: FieldKind
  readonly wireType: number
  /** Undefined if the field has no message type. Created on demand, since types may refer to each other in cycles. */
  readonly plan: Plan | undefined
  /** `"name":`, as printed. */
  readonly jsonName: Uint8Array
  /** The same with the name in the schema. */
  readonly protoName: Uint8Array
  /** The bytes of the JSON name, without quotes. */
  readonly nameBytes: Uint8Array
  /** The tag before each value, or before all of them if they are packed. */
  readonly tag: Uint8Array
  readonly elementTag: Uint8Array
  readonly endTag: Uint8Array
  /** The field that followed last time. */
  next: FieldPlan | undefined
}

const plans = new WeakMap<MessageType, Plan>()

export function planOf(type: MessageType): Plan {
  const known = plans.get(type)
  if (known !== undefined) return known
  const fields = type.fields.map(fieldPlan)
  const small = fields.filter(field => field.type.number < SMALL)
  const byNumber: (number | undefined)[] = Array.from({
    length: Math.max(0, ...small.map(({ type: { number } }) => number)) + 1,
  })
  for (const { type: each, index } of small) byNumber[each.number] = index
  const large = fields.filter(field => field.type.number >= SMALL)
  const plan: Plan = {
    type,
    known: knownType(type.fullName),
    fields,
    byNumber,
    byLargeNumber: new Map(large.map(field => [field.type.number, field.index])),
    byName: new Map([
      ...fields.map(field => [field.type.name, field] as const),
      ...fields.map(field => [field.type.jsonName, field] as const),
    ]),
    oneofs: type.oneofs.length,
    required: fields.filter(field => field.type.isRequired),
  }
  plans.set(type, plan)
  return plan
}

const SMALL = 256

export function fieldIndex(plan: Plan, number: number): number {
  return (number < SMALL ? plan.byNumber[number] : plan.byLargeNumber.get(number)) ?? -1
}

function fieldPlan(type: FieldType, index: number): FieldPlan {
  const wireType = wireTypeOf(type.kind)
  let plan: Plan | undefined
  return {
    type,
    index,
    kind: type.kind,
    wireType,
    get plan() {
      if (type.message !== undefined) plan ??= planOf(type.message)
      return plan
    },
    jsonName: Buffer.from(`${JSON.stringify(type.jsonName)}:`),
    protoName: Buffer.from(`${JSON.stringify(type.name)}:`),
    nameBytes: Buffer.from(type.jsonName),
    tag: tagOf(type.number, type.isPacked ? 2 : wireType),
    elementTag: tagOf(type.number, wireType),
    endTag: tagOf(type.number, 4),
    next: undefined,
  }
}

function tagOf(number: number, wireType: number): Uint8Array {
  const bytes: number[] = []
  let rest = number * 8 + wireType
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Uint8Array.of(...bytes, rest)
}

const KNOWN: Readonly<Record<string, KnownType>> = {
  Any: 'any',
  Timestamp: 'timestamp',
  Duration: 'duration',
  Struct: 'struct',
  Value: 'value',
  ListValue: 'list',
  FieldMask: 'mask',
  Empty: 'empty',
  ...Object.fromEntries(
    ['Bool', 'Int32', 'Int64', 'UInt32', 'UInt64', 'Float', 'Double', 'String', 'Bytes'].map(name => [
      `${name}Value`,
      'wrapper',
    ]),
  ),
}

function knownType(fullName: string): KnownType {
  const name = fullName.startsWith('google.protobuf.') ? fullName.slice('google.protobuf.'.length) : ''
  return Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined
}
