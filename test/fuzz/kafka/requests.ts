import { globSync } from 'node:fs'
import { join } from 'node:path'
import { type Api, apis, requestFrame, writeRecords } from '../../../src/kafka/index.ts'
import type { Field, Schema, VersionRange } from '../../../src/kafka/schema.ts'

export type Random = () => number

/** An API with its schema, from which random requests are built. */
export interface FuzzedApi {
  readonly name: keyof typeof apis
  readonly request: readonly Field[]
  /** The fields of its structs, by their names. */
  readonly structs: ReadonlyMap<string, readonly Field[]>
}

/** The topics that exist, by name, with their ids. */
export type Topics = ReadonlyMap<string, string>

export async function fuzzedApis(): Promise<FuzzedApi[]> {
  const folder = join(import.meta.dirname, '../../../src/kafka/schemas')
  const found: FuzzedApi[] = []
  for (const file of globSync('*.ts', { cwd: folder }).toSorted()) {
    const { default: schema }: { default: Schema } = await import(join(folder, file))
    // The generated APIs have the names of the schemas.
    const name = schema.name as keyof typeof apis
    if (name in apis) found.push({ name, request: schema.request, structs: new Map(structsIn(schema.request)) })
  }
  return found
}

/** A well-formed request of a random version, without its length, whose values are legal or at least close to it. */
export function randomRequest({ name, request, structs }: FuzzedApi, topics: Topics, random: Random): Buffer {
  const api: Api<unknown, never, unknown, never> = apis[name]
  const version = api.minVersion + Math.floor(random() * (api.maxVersion - api.minVersion + 1))
  const body = randomFields(request, version, { topics, random, structs })
  const header = { apiVersion: version, correlationId: Math.floor(random() * 1e6), clientId: pick(random, clientIds) }
  // The body has the shape of the schema, from which the encoder's type is generated as well.
  return Buffer.concat(requestFrame(api, header, body as never)).subarray(4)
}

interface Source extends Pick<FuzzedApi, 'structs'> {
  readonly topics: Topics
  readonly random: Random
}

function* structsIn(fields: readonly Field[]): Generator<[string, readonly Field[]]> {
  for (const { type, fields: inner } of fields) {
    if (!inner) continue
    yield [type.replace('[]', ''), inner]
    yield* structsIn(inner)
  }
}

function randomFields(fields: readonly Field[], version: number, source: Source): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const field of fields) {
    if (!isIn(version, field.versions)) continue
    // Tagged fields are mostly absent in practice.
    if (field.tag !== undefined && source.random() < 0.5) continue
    message[field.name] = randomField(field, version, source)
  }
  return message
}

function randomField(field: Field, version: number, source: Source): unknown {
  const { random } = source
  if (field.nullable !== undefined && isIn(version, field.nullable) && random() < 0.2) return null
  if (!field.type.startsWith('[]')) return randomValue(field.name, field.type, version, source)
  const type = field.type.slice(2)
  return Array.from({ length: Math.floor(random() ** 2 * 4) }, () => randomValue(field.name, type, version, source))
}

function randomValue(name: string, type: string, version: number, source: Source): unknown {
  const { random, topics, structs } = source
  switch (type) {
    case 'bool':
      return random() < 0.5
    case 'int8':
      return pick(random, smallNumbers)
    case 'int16':
      return pick(random, smallNumbers)
    case 'uint16':
      return Math.abs(pick(random, smallNumbers))
    case 'int32':
    case 'int64':
      return numberFor(name, random)
    case 'float64':
      return pick(random, [1e12, 1e15])
    case 'string':
      return textFor(name, random)
    case 'uuid':
      return pick(random, [...topics.values(), '00000000-0000-0000-0000-000000000000'])
    case 'bytes':
      return randomBytes(random, Math.floor(random() * 20))
    case 'records':
      return randomRecords(random)
    default:
      return randomFields(structs.get(type) ?? [], version, source)
  }
}

const clientIds = ['fuzz', null, '', 'warpstream_az=a,x=1']
const smallNumbers = [0, 1, 2, 3, -1, 4, 5, 10]
const texts: readonly (readonly [RegExp, readonly string[]])[] = [
  [/group/i, ['g-1', 'g-2', 'g-3', '']],
  [/member/i, ['', 'member-1', 'member-2']],
  [/transactional/i, ['t-1', 't-2', '']],
  [/instance/i, ['i-1', 'i-2']],
  [/protocol|assignor/i, ['consumer', 'range', 'uniform', 'sticky', 'classic']],
  [/mechanism/i, ['PLAIN', 'SCRAM-SHA-256']],
  [/regex|pattern/i, ['a.*', 'topic-[12]', '(', '*']],
  [/principal|user/i, ['User:a', 'User:*', 'a']],
  [/host/i, ['*', '127.0.0.1']],
  [/entity/i, ['user', 'client-id', 'ip', 'a']],
]
const names = ['topic-1', 'topic-2', 'topic-3', 'retention.ms', 'cleanup.policy', 'compact', '1000', '0', 'all', 'é']

function textFor(name: string, random: Random): string {
  const known = texts.find(([pattern]) => pattern.test(name))
  return pick(random, known !== undefined && random() < 0.9 ? known[1] : names)
}

function numberFor(name: string, random: Random): number {
  // Otherwise most of the time would go into waiting.
  if (/timeout|wait/i.test(name)) return /session|rebalance|transaction/i.test(name) ? 6000 : Math.floor(random() * 20)
  if (/^(numPartitions|count)$/.test(name)) return 1 + Math.floor(random() * 3)
  if (/iterations/i.test(name)) return 4096
  if (/bytes/i.test(name)) return pick(random, [0, 1, 1000, 1_000_000])
  return random() < 0.9 ? pick(random, smallNumbers) : pick(random, [2 ** 31 - 1, -(2 ** 31), 1000])
}

function randomRecords(random: Random): Buffer {
  const length = 1 + Math.floor(random() * 3)
  const records = Array.from({ length }, () => ({
    key: random() < 0.5 ? null : randomBytes(random, 3),
    value: randomBytes(random, Math.floor(random() * 40)),
  }))
  const producer =
    random() < 0.5
      ? {}
      : { producerId: Math.floor(random() * 4), producerEpoch: 0, baseSequence: Math.floor(random() * 4) }
  return writeRecords(records, { timestamp: 1_700_000_000_000, ...producer })
}

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)))
}

export function pick<T>(random: Random, some: readonly T[]): T {
  return some[Math.floor(random() * some.length)]!
}

function isIn(version: number, range: VersionRange | undefined): boolean {
  if (range === undefined) return true
  const [first = '', last] = range.split('-')
  if (first.endsWith('+')) return version >= Number(first.slice(0, -1))
  return version >= Number(first) && version <= Number(last ?? first)
}
