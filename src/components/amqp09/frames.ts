// The frames of AMQP 0.9.1 on a connection with one channel (section 4.2 of the specification).
import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { decodeProperties, FieldReader, FieldWriter, type Properties } from './wire.ts'

/** Class and method of each method used here. */
export const methods = {
  connectionStart: 0x000a_000a,
  connectionStartOk: 0x000a_000b,
  connectionTune: 0x000a_001e,
  connectionTuneOk: 0x000a_001f,
  connectionOpen: 0x000a_0028,
  connectionOpenOk: 0x000a_0029,
  connectionClose: 0x000a_0032,
  connectionCloseOk: 0x000a_0033,
  connectionBlocked: 0x000a_003c,
  connectionUnblocked: 0x000a_003d,
  channelOpen: 0x0014_000a,
  channelOpenOk: 0x0014_000b,
  channelFlow: 0x0014_0014,
  channelFlowOk: 0x0014_0015,
  channelClose: 0x0014_0028,
  channelCloseOk: 0x0014_0029,
  exchangeDeclare: 0x0028_000a,
  exchangeDeclareOk: 0x0028_000b,
  queueDeclare: 0x0032_000a,
  queueDeclareOk: 0x0032_000b,
  queueBind: 0x0032_0014,
  queueBindOk: 0x0032_0015,
  basicQos: 0x003c_000a,
  basicQosOk: 0x003c_000b,
  basicConsume: 0x003c_0014,
  basicConsumeOk: 0x003c_0015,
  basicCancel: 0x003c_001e,
  basicPublish: 0x003c_0028,
  basicReturn: 0x003c_0032,
  basicDeliver: 0x003c_003c,
  basicAck: 0x003c_0050,
  basicNack: 0x003c_0078,
  confirmSelect: 0x0055_000a,
  confirmSelectOk: 0x0055_000b,
} as const

/** The first two bytes of a message's header: the class of all methods with messages. */
const basicClass = 60
const frameTypes = { method: 1, header: 2, body: 3, heartbeat: 8 } as const
const frameEnd = 0xce
/** Type, channel and size, in front of the payload. */
const headBytes = 7
const extraBytes = headBytes + 1
/** Class, weight and size of the body, in front of the properties. */
const headerBytes = 12

/** The largest frame in either direction, as other clients propose it. A server may lower it, to 4 KiB at least. */
export const maxFrameBytes = 131_072
export const minFrameBytes = 4096

const pieceBytes = 65_536

/** Sends frames. What is sent within one turn goes out in one write. */
export class OutgoingFrames {
  readonly #socket: Socket
  /** The bytes to be sent are those from `#start` to `#end`. Earlier ones may still be on their way. */
  #piece = Buffer.allocUnsafe(pieceBytes)
  #start = 0
  #end = 0
  #isFlushScheduled = false
  /** Whether anything was sent since this was last set to false. */
  hasSent = false
  frameBytes = maxFrameBytes

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Starts the protocol. */
  greet(): void {
    const greeting = Buffer.from([...Buffer.from('AMQP'), 0, 0, 9, 1])
    this.#reserve(greeting.length)
    this.#append(greeting)
  }

  method(channel: number, method: number, write: (fields: FieldWriter) => FieldWriter): void {
    this.encodedMethod(channel, write(new FieldWriter().long(method)).written)
  }

  encodedMethod(channel: number, method: Uint8Array): void {
    this.#beginFrame(frameTypes.method, channel, method.length)
    this.#append(method)
    this.#endFrame()
  }

  /** Sends the header and the body that belong to the method sent before. */
  content(channel: number, properties: Uint8Array, body: Uint8Array): void {
    this.#beginFrame(frameTypes.header, channel, headerBytes + properties.length)
    this.#piece.writeUInt32BE(basicClass * 65_536, this.#end)
    this.#piece.writeUInt32BE(Math.floor(body.length / 2 ** 32), this.#end + 4)
    this.#piece.writeUInt32BE(body.length % 2 ** 32, this.#end + 8)
    this.#end += headerBytes
    this.#append(properties)
    this.#endFrame()
    const most = this.frameBytes - extraBytes
    for (let at = 0; at < body.length; at += most) {
      const part = body.length <= most ? body : body.subarray(at, at + most)
      this.#beginFrame(frameTypes.body, channel, part.length)
      this.#append(part)
      this.#endFrame()
    }
  }

  /** Throws if a message cannot have these properties, because they do not fit into one frame. */
  checkProperties({ length }: Uint8Array): void {
    const most = this.frameBytes - extraBytes - headerBytes
    if (length > most) throw new Error(`the properties have ${length} bytes; the server accepts at most ${most}`)
  }

  heartbeat(): void {
    this.#beginFrame(frameTypes.heartbeat, 0, 0)
    this.#endFrame()
  }

  flush(): void {
    if (this.#start === this.#end) return
    this.hasSent = true
    if (!this.#socket.destroyed) this.#socket.write(this.#piece.subarray(this.#start, this.#end))
    this.#start = this.#end
  }

  #beginFrame(type: number, channel: number, size: number): void {
    this.#reserve(size + extraBytes)
    this.#piece[this.#end] = type
    this.#piece.writeUInt16BE(channel, this.#end + 1)
    this.#piece.writeUInt32BE(size, this.#end + 3)
    this.#end += headBytes
  }

  #endFrame(): void {
    this.#piece[this.#end++] = frameEnd
  }

  #append(bytes: Uint8Array): void {
    this.#piece.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes > this.#piece.length) {
      this.flush()
      this.#piece = Buffer.allocUnsafe(Math.max(bytes, pieceBytes))
      this.#start = 0
      this.#end = 0
    }
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    queueMicrotask(() => {
      this.#isFlushScheduled = false
      this.flush()
    })
  }
}

/** A message from a queue. */
export interface Received {
  readonly consumerTag: string
  readonly deliveryTag: number
  readonly redelivered: boolean
  readonly exchange: string
  readonly routingKey: string
  readonly properties: Properties
  readonly content: Uint8Array
}

/** A mandatory message that no queue took. */
export interface Returned {
  readonly reason: string
  readonly exchange: string
  readonly routingKey: string
  readonly content: Uint8Array
}

export interface FrameEvents {
  /** A method without a message. The fields are valid during the call. */
  method(method: number, fields: FieldReader): void
  received(message: Received): void
  returned(message: Returned): void
}

/** A method with a message whose other frames are still arriving. */
interface Arriving {
  readonly complete: (properties: Properties, content: Uint8Array) => void
  /** Null until the header has arrived. */
  properties: Properties | null
  missingBytes: number
  readonly parts: Uint8Array[]
}

/** Splits what arrives into frames, and puts messages together. */
export class IncomingFrames {
  readonly #events: FrameEvents
  #rest: Buffer = Buffer.alloc(0)
  #arriving: Arriving | null = null
  #isStopped = false
  // The messages of a queue mostly have the same properties, and always the same tag.
  readonly #tag = new Repeated(text => text.shortText())
  readonly #route = new Repeated(texts => ({ exchange: texts.shortText(), routingKey: texts.shortText() }))
  readonly #properties = new Repeated(decodeProperties)
  frameBytes = maxFrameBytes

  constructor(events: FrameEvents) {
    this.#events = events
  }

  /** Ignores everything from now on. */
  stop(): void {
    this.#isStopped = true
  }

  /** Throws a `RangeError` if these bytes are not frames. */
  take(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
    let at = 0
    while (!this.#isStopped && at < bytes.length) {
      const end = this.#endOfFrame(bytes, at)
      if (end === null) break
      this.#takeFrame(bytes[at]!, bytes, at + headBytes, end - 1)
      at = end
    }
    this.#rest = bytes.subarray(at)
  }

  /** Returns where a frame ends; null if its end has not arrived. */
  #endOfFrame(bytes: Buffer, at: number): number | null {
    const type = bytes[at]!
    if (type > frameTypes.body && type !== frameTypes.heartbeat) throw new RangeError(`unknown frame type ${type}`)
    if (bytes.length - at < headBytes) return null
    const size = bytes.readUInt32BE(at + 3)
    if (size > this.frameBytes - extraBytes) throw new RangeError(`a frame of ${size} bytes is too large`)
    const end = at + size + extraBytes
    if (end > bytes.length) return null
    if (bytes[end - 1] !== frameEnd) throw new RangeError('a frame does not end where it should')
    return end
  }

  #takeFrame(type: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case frameTypes.method:
        return this.#takeMethod(bytes, start, end)
      case frameTypes.header:
        return this.#takeHeader(bytes, start, end)
      case frameTypes.body:
        return this.#takeBody(bytes, start, end)
      default:
        return // a heartbeat
    }
  }

  #takeMethod(bytes: Buffer, start: number, end: number): void {
    const fields = new FieldReader(bytes, start, end)
    const method = fields.long()
    if (method === methods.basicDeliver) this.#expect(this.#delivery(bytes, start + 4, end))
    else if (method === methods.basicReturn) this.#expect(this.#return(fields))
    else this.#events.method(method, fields)
  }

  #delivery(bytes: Buffer, start: number, end: number): Arriving['complete'] {
    const tagEnd = start + 1 + bytes.readUInt8(start)
    const consumerTag = this.#tag.read(bytes, start, tagEnd)
    const deliveryTag = bytes.readUInt32BE(tagEnd) * 2 ** 32 + bytes.readUInt32BE(tagEnd + 4)
    const redelivered = bytes.readUInt8(tagEnd + 8) !== 0
    const { exchange, routingKey } = this.#route.read(bytes, tagEnd + 9, end)
    return (properties, content) =>
      this.#events.received({ consumerTag, deliveryTag, redelivered, exchange, routingKey, properties, content })
  }

  #return(fields: FieldReader): Arriving['complete'] {
    fields.short() // the code of the reason
    const reason = fields.shortText()
    const [exchange, routingKey] = [fields.shortText(), fields.shortText()]
    return (_, content) => this.#events.returned({ reason, exchange, routingKey, content })
  }

  #expect(complete: Arriving['complete']): void {
    this.#arriving = { complete, properties: null, missingBytes: 0, parts: [] }
  }

  #takeHeader(bytes: Buffer, start: number, end: number): void {
    const arriving = this.#arriving
    if (arriving === null || arriving.properties !== null) throw new RangeError('a header without its method')
    if (end - start < headerBytes) throw new RangeError('a header is too short')
    arriving.missingBytes = bytes.readUInt32BE(start + 4) * 2 ** 32 + bytes.readUInt32BE(start + 8)
    arriving.properties = this.#properties.read(bytes, start + headerBytes, end)
    if (arriving.missingBytes === 0) this.#complete(arriving, arriving.properties)
  }

  #takeBody(bytes: Buffer, start: number, end: number): void {
    const arriving = this.#arriving
    if (arriving === null || arriving.properties === null) throw new RangeError('a body without its header')
    arriving.parts.push(bytes.subarray(start, end))
    arriving.missingBytes -= end - start
    if (arriving.missingBytes < 0) throw new RangeError('a body is longer than its header says')
    if (arriving.missingBytes === 0) this.#complete(arriving, arriving.properties)
  }

  #complete({ complete, parts }: Arriving, properties: Properties): void {
    this.#arriving = null
    complete(properties, parts.length === 1 ? parts[0]! : Buffer.concat(parts))
  }
}

/** Decodes bytes that are often the same as the last time. Its values must not be modified. */
class Repeated<T> {
  readonly #decode: (reader: FieldReader) => T
  #last: { readonly bytes: Buffer; readonly value: T } | null = null

  constructor(decode: (reader: FieldReader) => T) {
    this.#decode = decode
  }

  read(bytes: Buffer, start: number, end: number): T {
    if (this.#last === null || !isSame(this.#last.bytes, bytes, start, end)) {
      const own = Buffer.from(bytes.subarray(start, end))
      this.#last = { bytes: own, value: this.#decode(new FieldReader(own)) }
    }
    return this.#last.value
  }
}

/** Faster than `compare` of a buffer for a few dozen bytes. */
function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (known.length !== end - start) return false
  for (let index = 0; index < known.length; index++) if (known[index] !== bytes[start + index]) return false
  return true
}
