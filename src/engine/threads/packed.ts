import type { MessageFailure } from '../../bloblang/index.ts'
import { type BodyWriter, type Message, type Metadata } from '../message.ts'
import { type PlainValue, plainValue, valueOfPlain } from '../plain-value.ts'

type Table = readonly (readonly [string, PlainValue])[]

/** Messages for another thread: the bodies in one buffer, which is transferred, not copied, and the rest in columns. */
export interface Packed {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** End offset of each message's body. */
  readonly ends: Uint32Array<ArrayBuffer>
  /** Metadata index of each message: first the metadata that the receiver knows, then `tables`. */
  readonly metadata: Uint32Array<ArrayBuffer>
  readonly tables: readonly Table[]
  readonly errors: readonly (readonly [index: number, error: MessageFailure])[]
  /** How many messages were packed into one, for those to which it applies. */
  readonly collapsed: readonly (readonly [index: number, count: number])[]
}

/** A message as returned by {@link unpack}: the bytes `start` to `end` of a chunk, and the rest. */
export interface Unpacked {
  readonly chunk: Uint8Array
  readonly start: number
  readonly end: number
  readonly metadata: Metadata
  readonly error: MessageFailure | null
  readonly collapsed: number | undefined
}

/** Packs messages; `known` is the metadata that the receiver holds at the same indexes. */
export function pack(messages: readonly Message[], known: readonly Metadata[] = []): Packed {
  const writer = new BufferWriter(messages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
  const ends = new Uint32Array(messages.length)
  const columns = new MetadataColumns(known)
  const metadata = new Uint32Array(messages.length)
  const errors: [number, MessageFailure][] = []
  const collapsed: [number, number][] = []
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!
    message.writeTo(writer)
    ends[i] = writer.length
    metadata[i] = columns.indexOf(message.metadata)
    if (message.error !== null) errors.push([i, message.error])
    if (message.context?.collapsed !== undefined) collapsed.push([i, message.context.collapsed])
  }
  return { bytes: writer.buffer, ends, metadata, tables: columns.tables, errors, collapsed }
}

/** The transfer list for `postMessage`. */
export function buffersOf({ bytes, ends, metadata }: Packed): ArrayBuffer[] {
  return [bytes.buffer, ends.buffer, metadata.buffer]
}

/** Unpacks messages, and appends the received metadata to `known`. */
export function unpack(packed: Packed, known: Metadata[]): Unpacked[] {
  const { bytes, ends, metadata, tables, errors } = packed
  for (const table of tables) known.push(new Map(table.map(([key, value]) => [key, valueOfPlain(value)])))
  const failures = new Map(errors)
  const collapsed = new Map(packed.collapsed)
  const messages: Unpacked[] = []
  let start = 0
  for (let i = 0; i < ends.length; i++) {
    const end = ends[i]!
    messages.push({
      chunk: bytes,
      start,
      end,
      metadata: known[metadata[i]!]!,
      error: failures.get(i) ?? null,
      collapsed: collapsed.get(i),
    })
    start = end
  }
  return messages
}

class BufferWriter implements BodyWriter {
  readonly buffer: Uint8Array<ArrayBuffer>
  length = 0

  constructor(sizeBytes: number) {
    this.buffer = new Uint8Array(sizeBytes)
  }

  bytes(chunk: Uint8Array, start: number, end: number): void {
    this.buffer.set(chunk.subarray(start, end), this.length)
    this.length += end - start
  }

  copy(source: Uint8Array, length: number): void {
    this.bytes(source, 0, length)
  }
}

/** Messages of one source mostly share their metadata, which is then sent once. */
class MetadataColumns {
  readonly tables: Table[] = []
  readonly #places = new Map<Metadata, number>()
  readonly #known: number

  constructor(known: readonly Metadata[]) {
    this.#known = known.length
    for (const [place, metadata] of known.entries()) this.#places.set(metadata, place)
  }

  indexOf(metadata: Metadata): number {
    let place = this.#places.get(metadata)
    if (place === undefined) {
      place = this.#known + this.tables.length
      this.tables.push([...metadata].map(([key, value]) => [key, plainValue(value)]))
      this.#places.set(metadata, place)
    }
    return place
  }
}
