import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import type { Api } from './api.ts'
import { apis } from './messages/index.gen.ts'
import { ProtocolError, Reader, zeroUuid } from './reader.ts'
import type { Field, Schema } from './schema.ts'
import { Writer } from './writer.ts'

const schemas = new Map<string, Schema>()
for (const file of globSync(`${import.meta.dirname}/schemas/*.ts`)) {
  const { default: schema }: { default: Schema } = await import(pathToFileURL(file).href)
  schemas.set(schema.name, schema)
}

type Message = Record<string, unknown>
type AnyApi = Api<Message, Message, Message, Message>

describe('a frame with a huge number of array elements', () => {
  it('is rejected before it exhausts memory', () => {
    const reader = new Reader(Buffer.alloc(4_000_004))
    reader.buffer.writeInt32BE(4_000_000)
    assert.throws(() => reader.array(0, item => item.int8()), ProtocolError)
  })
})

// Messages for each API's codec are generated from its schema below.
for (const api of Object.values(apis) as unknown as AnyApi[]) {
  const schema = schemas.get(api.name)!
  describe(api.name, () => {
    for (let version = api.minVersion; version <= api.maxVersion; version++) {
      it(`requests and responses of v${version} survive a round trip`, () => {
        const flexible = version >= api.flexibleFrom
        fc.assert(
          fc.property(struct(schema.request, version), message => {
            assert.deepEqual(roundTrip(message, version, flexible, api.encodeRequest, api.decodeRequest), message)
          }),
          { numRuns: 20 },
        )
        fc.assert(
          fc.property(struct(schema.response, version), message => {
            assert.deepEqual(roundTrip(message, version, flexible, api.encodeResponse, api.decodeResponse), message)
          }),
          { numRuns: 20 },
        )
      })
    }

    it('truncated anywhere, they are a protocol error', () => {
      fc.assert(
        fc.property(struct(schema.request, api.maxVersion), fc.nat(), (message, at) => {
          const bytes = encode(message, api.maxVersion, true, api.encodeRequest)
          const reader = new Reader(bytes.subarray(0, at % Math.max(1, bytes.length)))
          reader.flexible = api.maxVersion >= api.flexibleFrom
          try {
            api.decodeRequest(reader, api.maxVersion)
          } catch (error) {
            assert.ok(error instanceof ProtocolError, String(error))
          }
        }),
        { numRuns: 50 },
      )
    })
  })
}

describe('a writer', () => {
  it('grows over many chunks without losing a byte', () => {
    const writer = new Writer(16)
    for (let i = 0; i < 100_000; i++) writer.int32(i)
    const bytes = Buffer.concat(writer.finish())
    assert.equal(bytes.length, 400_000)
    for (let i = 0; i < 100_000; i++) assert.equal(bytes.readInt32BE(i * 4), i)
  })

  it('inserts slices of records without copying them', () => {
    const slices = [Buffer.from('abc'), Buffer.from('de')]
    const writer = new Writer()
    writer.int8(1)
    writer.records(slices)
    writer.int8(2)
    assert.equal(writer.size, 11)
    const parts = writer.finish()
    assert.ok(parts.includes(slices[0]!) && parts.includes(slices[1]!))
    assert.equal(Buffer.concat(parts).toString('hex'), `01${'00000005'}${Buffer.from('abcde').toString('hex')}02`)
  })
})

describe('a reader', () => {
  it('returns slices of the frame, not copies', () => {
    const frame = Buffer.from([0, 0, 0, 2, 7, 8])
    const bytes = new Reader(frame).bytes()
    frame[4] = 9
    assert.deepEqual([...bytes], [9, 8])
  })

  it('rejects arrays longer than the frame', () => {
    const frame = Buffer.from([0x7f, 0xff, 0xff, 0xff, 1])
    assert.throws(() => new Reader(frame).array(0, reader => reader.int8()), ProtocolError)
  })

  it('skips unknown tagged fields', () => {
    const writer = new Writer()
    writer.flexible = true
    apis.Heartbeat.encodeResponse(writer, 4, { errorCode: 27 })
    const plain = Buffer.concat(writer.finish())
    const tagged = Buffer.concat([plain.subarray(0, -1), Buffer.from([2, 5, 3, 1, 2, 3, 90, 0])])
    const reader = new Reader(tagged)
    reader.flexible = true
    assert.deepEqual(apis.Heartbeat.decodeResponse(reader, 4), { throttleTimeMs: 0, errorCode: 27 })
    assert.equal(reader.remaining, 0)
  })
})

function roundTrip(
  message: Message,
  version: number,
  flexible: boolean,
  write: (writer: Writer, version: number, message: Message) => void,
  read: (reader: Reader, version: number) => Message,
): Message {
  const reader = new Reader(encode(message, version, flexible, write))
  reader.flexible = flexible
  const result = read(reader, version)
  assert.equal(reader.remaining, 0)
  return result
}

function encode(
  message: Message,
  version: number,
  flexible: boolean,
  write: (writer: Writer, version: number, message: Message) => void,
): Buffer {
  // A tiny first chunk puts chunk boundaries everywhere.
  const writer = new Writer(1)
  writer.flexible = flexible
  write(writer, version, message)
  return Buffer.concat(writer.finish())
}

/** Any legal message of this version; fields that the version does not carry have their defaults. */
function struct(fields: readonly Field[], version: number, known = structsOf(fields)): fc.Arbitrary<Message> {
  const values = Object.fromEntries(fields.map(field => [field.name, fieldValue(field, version, known)]))
  return fc.record(values, { noNullPrototype: true })
}

/** The structs of a message by name, including nested ones. */
function structsOf(
  fields: readonly Field[],
  known = new Map<string, readonly Field[]>(),
): Map<string, readonly Field[]> {
  for (const field of fields) {
    if (field.fields === undefined) continue
    known.set(field.type.replace('[]', ''), field.fields)
    structsOf(field.fields, known)
  }
  return known
}

function fieldValue(field: Field, version: number, known: Map<string, readonly Field[]>): fc.Arbitrary<unknown> {
  const isArray = field.type.startsWith('[]')
  const type = isArray ? field.type.slice(2) : field.type
  if (field.versions !== undefined && !includes(field.versions, version)) return fc.constant(defaultOf(field))
  const single = /^[A-Z]/.test(type) ? struct(known.get(type)!, version, known) : primitive(type)
  const value = isArray ? fc.array(single, { maxLength: 3 }) : single
  const isTaggedStruct = field.tag !== undefined && /^[A-Z]/.test(type) && !isArray
  const mayBeNull = (field.nullable !== undefined && includes(field.nullable, version)) || isTaggedStruct
  return mayBeNull ? fc.option(value, { nil: null }) : value
}

function primitive(type: string): fc.Arbitrary<unknown> {
  switch (type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -128, max: 127 })
    case 'int16':
      return fc.integer({ min: -32768, max: 32767 })
    case 'uint16':
      return fc.integer({ min: 0, max: 65535 })
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.maxSafeInteger()
    case 'float64':
      return fc.double({ noNaN: true })
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 20 })
    case 'uuid':
      return fc.uuid()
    case 'bytes':
    case 'records':
      return fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes))
    default:
      throw new Error(`no values for ${type}`)
  }
}

function defaultOf(field: Field): unknown {
  if (field.default !== undefined) return field.default
  if (field.nullable !== undefined) return null
  if (field.type.startsWith('[]')) return []
  switch (field.type) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return zeroUuid
    default:
      return /^[A-Z]/.test(field.type) || field.type === 'records' ? null : 0
  }
}

function includes(range: string, version: number): boolean {
  const [, from, plus, to] = /^(\d+)(\+)?(?:-(\d+))?$/.exec(range)!
  return version >= Number(from) && (plus !== undefined || version <= Number(to ?? from))
}
