import type { Socket } from 'node:net'
import { messageOf, waitOrAbort } from '../base/index.ts'
import {
  ErrorCode,
  errorName,
  ProtocolError,
  Reader,
  type RequestHeader,
  readRequestHeader,
  responseFrame,
  startBody,
} from '../kafka/index.ts'
import { MetadataError } from '../metadata/index.ts'
import { StorageError } from '../storage/index.ts'
import type { FramePool } from './frame-pool.ts'
import { FrameSizeError, FrameSplitter } from './frame-splitter.ts'
import { type AnyHandler, type BrokerContext, type ConnectionInfo, noResponse, type RequestContext } from './handler.ts'
import type { BrokerCounters } from './counters.ts'
import { Holds } from './log/index.ts'
import { type ClientName, clientName } from './fenced-client.ts'
import { type Asking, askingAs } from './security/authorizer.ts'
import type { Usage } from './quotas/quotas.ts'
import { RequestLimits } from './quotas/request-limits.ts'
import { type SaslIdentity, SaslSession } from './security/sasl.ts'
import type { SecuritySettings } from './security/settings.ts'

const apiVersionsKey = 18
/** Requests that are served before authentication: SaslHandshake, ApiVersions, SaslAuthenticate. */
const openKeys: ReadonlySet<number> = new Set([17, apiVersionsKey, 36])

/** Requests that may legitimately wait for as long as the client or a group determines. */
const waitingApis: ReadonlySet<string> = new Set(['Fetch', 'JoinGroup', 'SyncGroup'])

/** One request between its arrival and the sending of its answer. */
interface Pending {
  readonly header: RequestHeader
  readonly handler: AnyHandler
  /** Positioned at the request's body; undefined once the body is decoded. */
  reader: Reader | undefined
  /** The whole request; undefined once it was given back. */
  frame: Buffer | undefined
  readonly sizeBytes: number
  /** In monotonic milliseconds. */
  readonly arrivedAt: number
  /** When its handler began and ended, in monotonic milliseconds. */
  startedAt: number
  handledAt: number
  /** How long the client must wait after the answer, in milliseconds. */
  throttleMs: number
  /** The answer's buffers once it is ready; empty if there is none to send. */
  answer: readonly Buffer[] | undefined
  /** Protects the memory of the answer's buffers. */
  readonly holds: Holds
}

export interface ConnectionOptions {
  readonly id: number
  readonly broker: BrokerContext
  /** By API key. */
  readonly handlers: ReadonlyMap<number, AnyHandler>
  readonly counters: BrokerCounters
  readonly security: SecuritySettings
  /** The principal's name from the client's certificate. */
  readonly certificateName: string | undefined
  readonly frames: FramePool
}

/**
 * One client's connection: reads requests, dispatches them to handlers, and sends the answers in request order.
 *
 * Kafka handles a connection's requests sequentially, and clients rely on that: a ListOffsets after a Produce sees what
 * was produced. Here only Produce requests overlap, because each waits for the object store while their order is fixed
 * on arrival. Every other request waits until the earlier ones are answered.
 */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #socket: Socket
  readonly #splitter: FrameSplitter
  readonly #info: ConnectionInfo
  readonly #abort = new AbortController()
  readonly #queue: Pending[] = []
  /** Number of requests at the head of the queue that are being handled, or whose answers wait to be sent. */
  #started = 0
  /** The client's identity for access checks, cached for the SASL identity that it was derived from. */
  #asking: Asking | undefined
  #identity: SaslIdentity | undefined
  /** The client's name and fence, cached for the client id that they were parsed from. */
  #client: ClientName = { clientId: null, fence: undefined }
  #writtenClientId: string | null = null
  #queuedBytes = 0
  #paused = false
  /** The client has exceeded its quotas and must wait. */
  #muted = false
  #ended = false
  #hangsUp = false

  constructor(socket: Socket, options: ConnectionOptions) {
    const { broker, id, security } = options
    this.#options = options
    this.#socket = socket
    this.#splitter = new FrameSplitter(
      broker.config.socketRequestMaxBytes,
      frame => this.#onFrame(frame),
      options.frames,
    )
    this.#info = {
      id,
      remoteAddress: socket.remoteAddress ?? '',
      remotePort: socket.remotePort ?? 0,
      software: { name: '', version: '' },
      signal: this.#abort.signal,
      sasl: security.sasl === undefined ? undefined : new SaslSession(security.sasl),
    }
    socket.on('drain', () => this.#pump())
    socket.on('end', () => this.#onEnd())
    // Every socket error is followed by 'close'; clients that disappear are not an error of ours.
    socket.on('error', error => broker.log.debug('connection failed', { connection: id, error: error.message }))
    socket.on('close', () => this.#onClose())
    socket.on('timeout', () => socket.destroy())
  }

  /** Accepts the next bytes; they may be overwritten afterwards. */
  onBytes(chunk: Buffer): void {
    this.#options.counters.bytesIn += chunk.length
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      return this.#refuse(error)
    }
    this.#pump()
    this.#pauseOrResume()
  }

  /** The preferred memory for the next bytes; undefined for any buffer, from which they are copied. */
  nextTarget(): Buffer | undefined {
    return this.#splitter.nextTarget()
  }

  close(): void {
    this.#abort.abort()
    this.#socket.destroy()
  }

  /** Starts no request and reads nothing for this many milliseconds (KIP-219). */
  mute(throttleMs: number): void {
    if (this.#muted) return
    this.#muted = true
    this.#pauseOrResume()
    void waitOrAbort(this.#options.broker.clock, throttleMs, this.#abort.signal).then(() => {
      this.#muted = false
      this.#pauseOrResume()
      this.#pump()
    })
  }

  #onFrame(frame: Buffer): void {
    if (this.#info.sasl?.expectsRawMessage === true) return void this.#authenticateRaw(this.#info.sasl, frame)
    const reader = new Reader(frame)
    const header = readRequestHeader(reader)
    const handler = this.#options.handlers.get(header.apiKey)
    if (handler === undefined) throw new ProtocolError(`api key ${header.apiKey} is not served`)
    this.#queue.push({
      header,
      handler,
      reader,
      frame,
      sizeBytes: frame.length,
      arrivedAt: this.#options.broker.clock.monotonic(),
      startedAt: 0,
      handledAt: 0,
      throttleMs: 0,
      answer: undefined,
      holds: new Holds(),
    })
    this.#queuedBytes += frame.length
  }

  /** Starts the requests that may start. */
  #pump(): void {
    while (this.#started < this.#queue.length && this.#mayStart(this.#queue[this.#started]!)) {
      const pending = this.#queue[this.#started]!
      this.#started++
      this.#start(pending)
    }
  }

  #mayStart(next: Pending): boolean {
    // Stop producing answers for a client that does not read them.
    if (this.#muted || this.#hangsUp || this.#socket.destroyed || this.#socket.writableNeedDrain) return false
    if (this.#started === 0) return true
    // All started requests are pipelined or the only one, so the last of them decides.
    return next.handler.pipelined && this.#queue[this.#started - 1]!.handler.pipelined
  }

  #start(pending: Pending): void {
    const { handler, header } = pending
    const { counters } = this.#options
    counters.countRequest(handler.api.name)
    const version = header.apiVersion
    if (!this.#admits(header.apiKey)) {
      return this.#refuse(new ProtocolError(`${handler.api.name} was sent before authentication`))
    }
    if (version < handler.minVersion || version > handler.maxVersion) return this.#answerWrongVersion(pending)
    const reader = pending.reader!
    pending.reader = undefined
    let request: unknown
    try {
      startBody(reader, handler.api, version)
      request = handler.api.decodeRequest(reader, version)
    } catch (error) {
      return this.#refuse(error)
    }
    const { clock, quotas } = this.#options.broker
    const asking = this.#askingAs(this.#info.sasl?.identity)
    const { clientId, fence } = this.#clientOf(header)
    const limits = new RequestLimits(quotas, { user: userOf(asking), clientId: clientId ?? '' })
    pending.startedAt = clock.monotonic()
    const context: RequestContext = {
      version,
      clientId,
      fence,
      connection: this.#info,
      access: this.#options.broker.authorizer.accessOf(asking),
      limits,
      holds: pending.holds,
      hangUp: this.#hangUp,
      broker: this.#options.broker,
    }
    const fail = (error: unknown) => this.#fail(pending, error, limits, code => handler.failed(request, code, context))
    let answer: unknown
    try {
      answer = handler.handle(request, context)
    } catch (error) {
      return fail(error)
    }
    if (quotas.areSet) limits.use({ busyMs: clock.monotonic() - pending.startedAt })
    if (answer instanceof Promise) {
      answer.then(
        // A commit resolves its producer's answer and wakes readers in the same tick;
        // the producer's answer must be sent first.
        value =>
          handler.pipelined
            ? this.#succeed(pending, value, limits)
            : setImmediate(() => this.#succeed(pending, value, limits)),
        fail,
      )
    } else {
      this.#succeed(pending, answer, limits)
    }
  }

  #succeed(pending: Pending, answer: unknown, limits: RequestLimits): void {
    // With acks=0 the handler answers while the records are still in use.
    if (pending.handler.releasesRequest && answer !== noResponse) {
      this.#options.frames.giveBack(pending.frame!)
    }
    pending.frame = undefined
    this.#complete(pending, answer, limits)
  }

  /** Whether the client has authenticated, if it must, and its session has not expired. */
  #admits(apiKey: number): boolean {
    const { sasl } = this.#options.security
    if (sasl === undefined || openKeys.has(apiKey)) return true
    const session = this.#info.sasl!
    return session.identity === undefined ? !sasl.required : !session.isExpired
  }

  #clientOf({ clientId }: RequestHeader): ClientName {
    if (clientId !== this.#writtenClientId) {
      this.#writtenClientId = clientId
      this.#client = clientName(clientId)
    }
    return this.#client
  }

  #askingAs(identity: SaslIdentity | undefined): Asking {
    if (this.#asking === undefined || identity !== this.#identity) {
      this.#identity = identity
      this.#asking = askingAs(identity, this.#options.certificateName, this.#info.remoteAddress)
    }
    return this.#asking
  }

  /** Handles a message of an exchange that began with SaslHandshake v0, framed only by its length, like the answer. */
  async #authenticateRaw(session: SaslSession, message: Buffer): Promise<void> {
    try {
      const { reply } = await session.authenticate(message)
      const length = Buffer.alloc(4)
      length.writeInt32BE(reply.length)
      this.#socket.write(Buffer.concat([length, reply]))
    } catch (error) {
      this.#refuse(new ProtocolError(messageOf(error)))
    }
  }

  #complete(pending: Pending, answer: unknown, limits: RequestLimits): void {
    const { handler, header } = pending
    pending.handledAt = this.#options.broker.clock.monotonic()
    const encode = (value: unknown) =>
      value === noResponse ? [] : responseFrame(handler.api, header.apiVersion, header.correlationId, value)
    try {
      pending.answer = encode(answer)
      if (this.#options.broker.quotas.areSet) {
        limits.use(usageOf(pending, pending.answer))
        pending.throttleMs = limits.throttleMs
        if (limits.throttleMs > 0) pending.answer = encode(throttled(answer, limits.throttleMs))
      }
    } catch (error) {
      return this.#giveUp(pending, error)
    }
    this.#send()
  }

  /** A newer client asks which versions it can use with us: the oldest version of the response tells it (KIP-511). */
  #answerWrongVersion(pending: Pending): void {
    const { handler, header } = pending
    if (header.apiKey !== apiVersionsKey) {
      return this.#refuse(new ProtocolError(`${handler.api.name} v${header.apiVersion} is not served`))
    }
    const range = { apiKey: apiVersionsKey, minVersion: handler.minVersion, maxVersion: handler.maxVersion }
    const answer = { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [range] }
    pending.answer = responseFrame(handler.api, 0, header.correlationId, answer)
    this.#send()
  }

  /** Sends the answers that are ready, up to the first that is missing. */
  #send(): void {
    const { counters } = this.#options
    let count = 0
    while (count < this.#started && this.#queue[count]!.answer !== undefined) count++
    if (this.#socket.destroyed) return this.#dropAnswers()
    if (count === 0) return
    let throttleMs = 0
    this.#socket.cork()
    for (const pending of this.#queue.splice(0, count)) {
      this.#started--
      this.#queuedBytes -= pending.sizeBytes
      throttleMs = Math.max(throttleMs, pending.throttleMs)
      this.#measure(pending)
      const answer = pending.answer!
      const { holds } = pending
      for (const [index, buffer] of answer.entries()) {
        counters.bytesOut += buffer.length
        if (index < answer.length - 1) this.#socket.write(buffer)
        // Called once the system has taken everything, or never will.
        else this.#socket.write(buffer, () => holds.release())
      }
    }
    this.#socket.uncork()
    if (throttleMs > 0) this.mute(throttleMs)
    // Deferred: otherwise answers that are ready synchronously would recurse to the depth of the queue.
    if (this.#queue.length > this.#started) queueMicrotask(() => this.#pump())
    this.#pauseOrResume()
    if (this.#hangsUp && this.#started === 0) this.#socket.destroySoon()
    const isOver = this.#ended || this.#info.sasl?.failed === true
    if (isOver && this.#queue.length === 0) this.#socket.end()
  }

  /** Records how long the client has waited, and logs slow requests, except those that wait by design. */
  #measure({ handler, header, arrivedAt, startedAt, handledAt, sizeBytes }: Pending): void {
    const { broker, counters } = this.#options
    const now = broker.clock.monotonic()
    const ms = now - arrivedAt
    counters.countLatency(handler.api.name, ms)
    if (handler.api.name === 'Produce') {
      counters.produceStages.queue.observe(startedAt - arrivedAt)
      counters.produceStages.answer.observe(now - handledAt)
    }
    if (ms < broker.config.slowRequestMs || waitingApis.has(handler.api.name)) return
    broker.log.warn('slow request', {
      api: handler.api.name,
      version: header.apiVersion,
      client: header.clientId ?? '',
      address: this.#info.remoteAddress,
      ms: Math.round(ms),
      bytes: sizeBytes,
    })
  }

  #pauseOrResume(): void {
    const { config, records } = this.#options.broker
    // When all connections together send more than the store accepts, each reads on only after its answers.
    const waits = records.isCongested && this.#queue.length > 0
    const full =
      this.#muted ||
      this.#hangsUp ||
      waits ||
      this.#queuedBytes > config.maxInFlightBytes ||
      this.#queue.length > config.maxInFlightRequests
    if (full === this.#paused) return
    this.#paused = full
    if (full) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Answers a failed request with an error in all its parts. */
  #fail(pending: Pending, error: unknown, limits: RequestLimits, answerWith: (errorCode: ErrorCode) => unknown): void {
    if (this.#abort.signal.aborted) return
    const { api, unavailable } = pending.handler
    const isUnavailable = mayRecover(error)
    const errorCode = ErrorCode[isUnavailable ? unavailable : 'UNKNOWN_SERVER_ERROR']
    const answer = answerWith(errorCode)
    if (answer === undefined) return this.#giveUp(pending, error)
    const { counters, broker } = this.#options
    counters.failedRequests++
    broker.log.log(isUnavailable ? 'warn' : 'error', 'request failed', {
      api: api.name,
      version: pending.header.apiVersion,
      answer: errorName(errorCode),
      error,
    })
    this.#complete(pending, answer, limits)
  }

  /** Closes the connection if a request has no answer that the client would understand. */
  #giveUp(pending: Pending, error: unknown): void {
    if (this.#abort.signal.aborted) return
    const { api } = pending.handler
    this.#options.counters.failedRequests++
    this.#options.broker.log.error('request failed, its connection is closed', {
      api: api.name,
      version: pending.header.apiVersion,
      error,
    })
    this.#socket.destroy()
  }

  /** Closes the connection once the requests in progress are answered, and starts no more. */
  readonly #hangUp = (reason: string): void => {
    const { broker, counters, id } = this.#options
    if (this.#hangsUp) return
    this.#hangsUp = true
    counters.failedRequests++
    broker.log.debug('connection closed', { connection: id, reason })
    this.#pauseOrResume()
    if (this.#started === 0) this.#socket.destroySoon()
  }

  /** Closes the connection: malformed input affects nothing else. */
  #refuse(error: unknown): void {
    const { broker, counters, id } = this.#options
    const isGarbage = error instanceof ProtocolError || error instanceof FrameSizeError
    const reason = error instanceof Error ? ((isGarbage ? undefined : error.stack) ?? error.message) : String(error)
    counters.refusedConnections++
    // Anything else is a bug of ours, which must not cost more than this connection either.
    broker.log.log(isGarbage ? 'debug' : 'error', 'connection closed', { connection: id, reason })
    this.#socket.destroy()
  }

  /** The client sends no more, but what it sent is still executed: it may be a Produce that wants no answer. */
  #onEnd(): void {
    this.#ended = true
    this.#abort.abort()
    if (this.#queue.length === 0) this.#socket.end()
  }

  #onClose(): void {
    this.#abort.abort()
    this.#dropAnswers()
  }

  /** Releases answers that nobody will read. */
  #dropAnswers(): void {
    for (const { answer, holds } of this.#queue) if (answer !== undefined) holds.release()
  }
}

/** The bytes that a client produced or fetched with one request. */
function usageOf({ handler, sizeBytes }: Pending, answer: readonly Buffer[]): Usage {
  switch (handler.api.name) {
    case 'Produce':
      return { producedBytes: sizeBytes }
    case 'Fetch':
      return { fetchedBytes: answer.reduce((sum, { length }) => sum + length, 0) }
    default:
      return {}
  }
}

/** Adds the time that the client must wait to an answer; answers without that field are not affected. */
function throttled(answer: unknown, throttleTimeMs: number): unknown {
  // All answers except noResponse are objects.
  return answer === noResponse ? answer : { ...(answer as object), throttleTimeMs }
}

/** The user name for quotas. */
function userOf({ principals }: Asking): string {
  return principals[0]!.replace(/^User:/, '')
}

/** Whether the same request may succeed later: the database or the store was unavailable, as opposed to refusing it. */
function mayRecover(error: unknown): boolean {
  if (error instanceof StorageError)
    return error.code === 'full' || error.code === 'unavailable' || error.code === 'failed'
  return error instanceof MetadataError && error.code !== 'failed'
}
