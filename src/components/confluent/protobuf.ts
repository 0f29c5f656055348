import { Buffer } from 'node:buffer'
import { messageOf } from '../../base/index.ts'
import { JsonParser } from '../protobuf/from-json.ts'
import { ProtobufError } from '../protobuf/limits.ts'
import { type Schema, schemaOfSources } from '../protobuf/link.ts'
import { JsonPrinter } from '../protobuf/to-json.ts'
import type { MessageType } from '../protobuf/types.ts'
import type { Convert } from './avro.ts'
import type { RegisteredSchema, Registry } from './registry.ts'

/** The path of the schema itself; referenced schemas are named by their references. */
const ROOT = '.'
/** Maximum nesting depth of a message type given by indexes. */
const MAX_INDEXES = 100

/** Creates a decoder from Protocol Buffers messages, each preceded by the indexes of its type, to JSON text. */
export async function protobufDecoder(schema: RegisteredSchema, registry: Registry): Promise<Convert> {
  const types = await resolved(schema, registry)
  const printer = new JsonPrinter(types, { useProtoNames: false, emitUnpopulated: false })
  return bytes => {
    const { indexes, end } = readIndexes(bytes)
    let type: MessageType | undefined
    let among = types.messagesOf(ROOT)
    for (const index of indexes) {
      type = among[index]
      if (type === undefined) {
        throw new Error(`message index (${index}) is greater than available message definitions (${among.length})`)
      }
      among = type.messages.filter(({ isMapEntry }) => !isMapEntry)
    }
    try {
      return printer.print(type!, bytes.subarray(end))
    } catch (error) {
      if (!(error instanceof ProtobufError)) throw error
      const what = error.stage === 'read' ? 'unmarshal protobuf' : 'marshal JSON protobuf'
      throw new Error(`failed to ${what} message: ${error.message}`, { cause: error })
    }
  }
}

/**
 * Creates an encoder from JSON text to messages. The top-level type of a document can only be found by trying; the one
 * that accepted the previous document is tried first.
 */
export async function protobufEncoder(schema: RegisteredSchema, registry: Registry): Promise<Convert> {
  const types = await resolved(schema, registry)
  const parser = new JsonParser(types, false)
  const candidates = types.messagesOf(ROOT).map((type, index) => ({ type, head: indexBytes(index) }))
  return bytes => {
    const reasons: string[] = []
    for (const [place, { type, head }] of candidates.entries()) {
      try {
        const message = parser.parse(type, bytes)
        if (place > 0) candidates.unshift(...candidates.splice(place, 1))
        return Buffer.concat([head, message])
      } catch (error) {
        if (!(error instanceof ProtobufError)) throw error
        reasons.push(`unmarshal '${type.name}': ${error.message}`)
      }
    }
    throw new Error(reasons.length === 0 ? 'the schema has no messages' : reasons.join(', '))
  }
}

async function resolved(schema: RegisteredSchema, registry: Registry): Promise<Schema> {
  const references = await registry.referencesOf(schema)
  try {
    return schemaOfSources(new Map([...references, [ROOT, schema.schema]]))
  } catch (error) {
    throw new Error(`failed to parse proto schema: ${messageOf(error)}`, { cause: error })
  }
}

/** Reads a count and that many indexes, as zigzag varints; a count of zero stands for the first message. */
function readIndexes(bytes: Uint8Array): { readonly indexes: readonly number[]; readonly end: number } {
  let at = 0
  const next = () => {
    let value = 0
    for (let factor = 1; factor < 2 ** 35; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value += (byte & 127) * factor
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw new Error('unable to read message indexes')
  }
  const count = next()
  if (count === 0) return { indexes: [0], end: at }
  if (count < 0 || count > MAX_INDEXES) throw new Error('unable to read message indexes')
  return { indexes: Array.from({ length: count }, next), end: at }
}

function indexBytes(index: number): Uint8Array {
  if (index === 0) return Uint8Array.of(0)
  const bytes = [2]
  let rest = index * 2
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Uint8Array.of(...bytes, rest)
}
