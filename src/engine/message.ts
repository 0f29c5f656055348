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

/** Metadata of a message; never changed in place, so messages share it freely. */
export type Metadata = ReadonlyMap<string, Value>

const noMetadata: Metadata = new Map()
const noBytes = new Uint8Array(0)

/** What accompanies a message without being part of it: where a synchronous response goes. */
export interface MessageContext {
  /** Receives the messages that answer the sender of this one; absent if the sender does not wait for an answer. */
  respond?(messages: readonly Message[]): void
  /** The part of a trace that began with this message; absent where nothing is traced. */
  readonly span?: Span
}

type Root = Message | readonly Message[] | null

/** A message in a form that the structured clone algorithm keeps whole: `bytes`, or `value` where only that is known. */
export interface TransferredMessage {
  readonly bytes?: Uint8Array
  readonly value?: PlainValue
  readonly metadata: readonly (readonly [string, PlainValue])[]
  readonly error: MessageFailure | null
}

/** A body (a range of a chunk that was read) or a value, or both once one was made from the other. */
interface Body {
  readonly chunk: Uint8Array | null
  readonly start: number
  readonly end: number
  readonly value: Value | PatchedDocument | undefined
}

// For the engine's tracker alone; `index.ts` does not export them.
/** The message that one was made from, or those, since the last {@link asRoot}; itself where nothing was made. */
export let rootOf: (message: Message) => Message | readonly Message[]
export let isRoot: (message: Message) => boolean
/** The same message as the beginning of a new line. */
export let asRoot: (message: Message) => Message

/**
 * One message. It never changes: whoever wants another body, other metadata or an error flag makes a new one that shares
 * the rest, so that fanning out and replaying need no copies. The two forms of the body are made from each other lazily.
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
  /** What this one was made from where the tracker last looked; null where it is that message itself. */
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

  /** A message over bytes that will not change. */
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

  /** A message with a value as its body: text and bytes are the body itself, anything else is a JSON document. */
  static fromValue(value: Value, metadata: Metadata = noMetadata): Message {
    const body = bodyOf(value)
    return new Message(body.chunk, body.start, body.end, body.value, metadata, null, null, null)
  }

  bytes(): Uint8Array {
    if (this.#chunk === null) {
      this.#chunk = this.#value === undefined ? noBytes : printBody(this.#value).toBytes()
      // It would keep the bytes that it was made from.
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

  /** The body as text, each byte that is not UTF-8 as U+FFFD. */
  text(): string {
    const bytes = this.bytes()
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  }

  /** Whether the body is known as a value and not yet as bytes. */
  get isStructured(): boolean {
    return this.#chunk === null
  }

  /** The bytes of the body. */
  get sizeBytes(): number {
    return this.#chunk === null ? this.bytes().length : this.#end - this.#start
  }

  /** Appends the body to what is written, without making a view of it first. */
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

  /** The same message with a document as its body, also where the document is a single string. */
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

  /** The same message as a part of a trace. */
  withSpan(span: Span): Message {
    return this.withContext({ ...this.context, span })
  }

  /** What mappings may know of the trace. */
  get tracing(): MessageTracing | undefined {
    const span = this.context?.span
    return span === undefined ? undefined : { traceId: span.traceId, flowId: '', span: span.carrier }
  }

  /** This message as another thread changed it. */
  withUnpacked({ chunk, start, end, metadata, error }: Unpacked): Message {
    return new Message(chunk, start, end, undefined, metadata, error, this.context, this.#lineage)
  }

  /** The same message, made of all of `messages`: where it fails, they all do. */
  madeOf(messages: readonly Message[]): Message {
    const roots = messages.flatMap(message => message.#lineage)
    return this.#withRoot(roots.length === 1 ? roots[0]! : roots)
  }

  /** What a thread can be sent: everything but the {@link context} and what the message was made from. */
  toTransfer(): TransferredMessage {
    const body =
      this.#chunk === null && this.#value !== undefined
        ? { value: plainValue(this.structured()) }
        : { bytes: this.bytes() }
    return { ...body, metadata: [...this.metadata].map(([key, value]) => [key, plainValue(value)]), error: this.error }
  }

  /** The message that another thread made {@link toTransfer} of. */
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

/** Where bodies are written to, one after the other. */
export interface BodyWriter {
  /** The bytes `start` to `end` of a chunk that will not change. */
  bytes(chunk: Uint8Array, start: number, end: number): void
  /** The first bytes of a buffer that is used again afterwards. */
  copy(buffer: Uint8Array, length: number): void
}

/** Prints a document as JSON. One with a number that JSON does not have is an empty body, as in the original. */
function printBody(value: Value | PatchedDocument): JsonWriter {
  printer.clear()
  if (value instanceof PatchedDocument) value.print(printer)
  else printer.value(value)
  if (printer.nonFinite) printer.clear()
  return printer
}

// What it holds is copied before the next document is printed.
const printer = new JsonWriter(false)

/** How often the document of one message is read in part before it is parsed for all that follow. */
const PROJECTIONS = 2

function bodyOf(value: Value): Body {
  if (typeof value === 'string') value = utf8Bytes(value)
  if (value instanceof Uint8Array) return { chunk: value, start: 0, end: value.length, value: undefined }
  return { chunk: null, start: 0, end: 0, value }
}
