import { Buffer } from 'node:buffer'
import {
  type BodyProjector,
  JsonWriter,
  type MessageFailure,
  type MessageTracing,
  type MessageView,
  parseBody,
  PatchedDocument,
  utf8Bytes,
  type Value,
} from '../bloblang/index.ts'
import type { Unpacked } from './threads/packed.ts'
import type { Span } from './tracer.ts'
import { type PlainValue, plainValue, valueOfPlain } from './plain-value.ts'

/** Metadata of a message; never modified in place, so that messages can share it. */
export type Metadata = ReadonlyMap<string, Value>

const noMetadata: Metadata = new Map()
const noBytes = new Uint8Array(0)

/** Data that accompanies a message without being part of it, such as the destination of a synchronous response. */
export interface MessageContext {
  /** Receives the messages that answer the sender of this one; absent if the sender does not wait for an answer. */
  respond?(messages: readonly Message[]): void
  /** The span that this message started; absent if tracing is off. */
  readonly span?: Span
  /** How many messages an archive packed into this one, for the count of messages that an output has sent. */
  readonly collapsed?: number
}

type Root = Message | readonly Message[] | null

/** A message in a form that survives structured cloning: `bytes`, or `value` if only that is known. */
export interface TransferredMessage {
  readonly bytes?: Uint8Array
  readonly value?: PlainValue
  readonly metadata: readonly (readonly [string, PlainValue])[]
  readonly error: MessageFailure | null
}

/** A body as a range of a chunk, as a value, or as both once one was derived from the other. */
interface Body {
  readonly chunk: Uint8Array | null
  readonly start: number
  readonly end: number
  readonly value: Value | PatchedDocument | undefined
}

// Only for the engine's tracker; `index.ts` does not export these.
/** The message or messages that this one was derived from since the last {@link asRoot}; itself if it is a root. */
export let rootOf: (message: Message) => Message | readonly Message[]
export let isRoot: (message: Message) => boolean
/** The same message as the root of a new lineage. */
export let asRoot: (message: Message) => Message

/**
 * One message. It is immutable: changing its body, metadata or error flag creates a new message that shares the rest,
 * so fan-out and replays need no copies. The two forms of the body are derived from each other lazily.
 */
export class Message implements MessageView {
  #chunk: Uint8Array | null
  #start: number
  #end: number
  #value: Value | PatchedDocument | undefined
  #projections = 0
  readonly metadata: Metadata
  readonly error: MessageFailure | null
  readonly context: MessageContext | null
  /** The messages this one was derived from since the tracker's last {@link asRoot}; null if it is itself a root. */
  readonly #root: Root

  private constructor(
    chunk: Uint8Array | null,
    start: number,
    end: number,
    value: Value | PatchedDocument | undefined,
    metadata: Metadata,
    error: MessageFailure | null,
    context: MessageContext | null,
    root: Root,
  ) {
    this.#chunk = chunk
    this.#start = start
    this.#end = end
    this.#value = value
    this.metadata = metadata
    this.error = error
    this.context = context
    this.#root = root
  }

  /** A message over bytes that must not change afterwards. */
  static fromBytes(bytes: Uint8Array, metadata: Metadata = noMetadata): Message {
    return new Message(bytes, 0, bytes.length, undefined, metadata, null, null, null)
  }

  /** A message over the bytes `start` to `end` of a chunk, which are not copied and must not change. */
  static fromChunk(chunk: Uint8Array, start: number, end: number, metadata: Metadata = noMetadata): Message {
    return new Message(chunk, start, end, undefined, metadata, null, null, null)
  }

  static fromText(text: string, metadata: Metadata = noMetadata): Message {
    return Message.fromBytes(utf8Bytes(text), metadata)
  }

  /** A message with a value as its body: text and bytes become the body itself, anything else a JSON document. */
  static fromValue(value: Value, metadata: Metadata = noMetadata): Message {
    const body = bodyOf(value)
    return new Message(body.chunk, body.start, body.end, body.value, metadata, null, null, null)
  }

  bytes(): Uint8Array {
    if (this.#chunk === null) {
      this.#chunk = this.#value === undefined ? noBytes : printBody(this.#value).toBytes()
      // A patched document would keep alive the bytes that it was made from.
      if (this.#value instanceof PatchedDocument) this.#value = undefined
      this.#start = 0
      this.#end = this.#chunk.length
    } else if (this.#end - this.#start !== this.#chunk.length) {
      this.#chunk = this.#chunk.subarray(this.#start, this.#end)
      this.#end -= this.#start
      this.#start = 0
    }
    return this.#chunk
  }

  structured(): Value {
    if (this.#value instanceof PatchedDocument) this.#value = this.#value.structured()
    else if (this.#value === undefined) this.#value = parseBody(this.bytes())
    return this.#value
  }

  project(projector: BodyProjector): Value | null {
    if (this.#chunk === null || this.#value !== undefined || this.#projections >= PROJECTIONS) return null
    this.#projections++
    return projector.project(this.#chunk, this.#start, this.#end, null)
  }

  /** The body as text, with U+FFFD for each byte that is not UTF-8. */
  text(): string {
    const bytes = this.bytes()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** Whether the body exists only as a value, not yet as bytes. */
  get isStructured(): boolean {
    return this.#chunk === null
  }

  /** The length of the body in bytes. */
  get sizeBytes(): number {
    return this.#chunk === null ? this.bytes().length : this.#end - this.#start
  }

  /** Appends the body to a writer without creating a view of it first. */
  writeTo(writer: BodyWriter): void {
    if (this.#chunk !== null) writer.bytes(this.#chunk, this.#start, this.#end)
    else if (this.#value !== undefined) {
      const { bytes, length } = printBody(this.#value)
      writer.copy(bytes, length)
    }
  }

  /** The same message with another body: text and bytes become the body itself, anything else a document. */
  withValue(value: Value | PatchedDocument): Message {
    return this.withValueAndMetadata(value, this.metadata)
  }

  withValueAndMetadata(value: Value | PatchedDocument, metadata: Metadata): Message {
    if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
      return new Message(null, 0, 0, value, metadata, this.error, this.context, this.#lineage)
    }
    const body = bodyOf(value)
    return new Message(body.chunk, body.start, body.end, body.value, metadata, this.error, this.context, this.#lineage)
  }

  /** The same message with a document as its body, even if the document is a single string. */
  withDocument(value: Value | PatchedDocument): Message {
    return new Message(null, 0, 0, value, this.metadata, this.error, this.context, this.#lineage)
  }

  withBytes(bytes: Uint8Array): Message {
    return new Message(bytes, 0, bytes.length, undefined, this.metadata, this.error, this.context, this.#lineage)
  }

  withText(text: string): Message {
    return this.withBytes(utf8Bytes(text))
  }

  withMetadata(metadata: Metadata): Message {
    return new Message(
      this.#chunk,
      this.#start,
      this.#end,
      this.#value,
      metadata,
      this.error,
      this.context,
      this.#lineage,
    )
  }

  /** The same message with one more metadata key. */
  withMeta(key: string, value: Value): Message {
    return this.withMetadata(new Map(this.metadata).set(key, value))
  }

  withError(error: MessageFailure | null): Message {
    if (error === this.error) return this
    return new Message(
      this.#chunk,
      this.#start,
      this.#end,
      this.#value,
      this.metadata,
      error,
      this.context,
      this.#lineage,
    )
  }

  withContext(context: MessageContext | null): Message {
    return new Message(
      this.#chunk,
      this.#start,
      this.#end,
      this.#value,
      this.metadata,
      this.error,
      context,
      this.#lineage,
    )
  }

  /** The same message as part of a trace. */
  withSpan(span: Span): Message {
    return this.withContext({ ...this.context, span })
  }

  /** The trace information available to mappings. */
  get tracing(): MessageTracing | undefined {
    const span = this.context?.span
    return span === undefined ? undefined : { traceId: span.traceId, flowId: '', span: span.carrier }
  }

  /** This message as changed by another thread. */
  withUnpacked({ chunk, start, end, metadata, error, collapsed }: Unpacked): Message {
    const context = collapsed === undefined ? this.context : { ...this.context, collapsed }
    return new Message(chunk, start, end, undefined, metadata, error, context, this.#lineage)
  }

  /** The same message, derived from all of `messages`: if it fails, they all do. */
  madeOf(messages: readonly Message[]): Message {
    const roots = messages.flatMap(message => message.#lineage)
    return this.#withRoot(roots.length === 1 ? roots[0]! : roots)
  }

  /** The parts that can be sent to a thread: everything but the {@link context} and the lineage. */
  toTransfer(): TransferredMessage {
    const body =
      this.#chunk === null && this.#value !== undefined
        ? { value: plainValue(this.structured()) }
        : { bytes: this.bytes() }
    return { ...body, metadata: [...this.metadata].map(([key, value]) => [key, plainValue(value)]), error: this.error }
  }

  /** Restores a message that another thread converted with {@link toTransfer}. */
  static fromTransfer({ bytes, value, metadata, error }: TransferredMessage): Message {
    const entries = metadata.map(([key, each]) => [key, valueOfPlain(each)] as const)
    const message =
      bytes === undefined
        ? Message.fromText('', new Map(entries)).withDocument(valueOfPlain(value))
        : Message.fromBytes(bytes, new Map(entries))
    return message.withError(error)
  }

  get #lineage(): Message | readonly Message[] {
    return this.#root ?? this
  }

  #withRoot(root: Root): Message {
    return new Message(this.#chunk, this.#start, this.#end, this.#value, this.metadata, this.error, this.context, root)
  }

  static {
    rootOf = message => message.#lineage
    isRoot = message => message.#root === null
    asRoot = message => (message.#root === null ? message : message.#withRoot(null))
  }
}

/** Receives bodies in order. */
export interface BodyWriter {
  /** Appends the bytes `start` to `end` of a chunk that will not change. */
  bytes(chunk: Uint8Array, start: number, end: number): void
  /** Appends the first `length` bytes of a buffer that is reused afterwards. */
  copy(buffer: Uint8Array, length: number): void
}

/** Prints a document as JSON. As in the original, a number that JSON cannot represent makes the body empty. */
function printBody(value: Value | PatchedDocument): JsonWriter {
  printer.clear()
  if (value instanceof PatchedDocument) value.print(printer)
  else printer.value(value)
  if (printer.nonFinite) printer.clear()
  return printer
}

// Its content is copied before the next document is printed.
const printer = new JsonWriter(false)

/** How many partial reads of a message's document are served by projection before it is parsed in full. */
const PROJECTIONS = 2

function bodyOf(value: Value): Body {
  if (typeof value === 'string') value = utf8Bytes(value)
  if (value instanceof Uint8Array) return { chunk: value, start: 0, end: value.length, value: undefined }
  return { chunk: null, start: 0, end: 0, value }
}
