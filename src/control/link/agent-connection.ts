import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { type Clock, isCertificateRefused, type Log, type Random, waitOrAbort } from '../../base/index.ts'
import {
  type CallName,
  type Change,
  isRepeatable,
  MetadataError,
  type MetadataErrorCode,
  type Transport,
} from '../../metadata/index.ts'
import type { AgentLink } from '../agent-link.ts'
import type { ApiErrorCode } from '../api-types.ts'
import { ControlError } from '../errors.ts'
import {
  beatMs,
  decode,
  encode,
  linkHeaders,
  linkPath,
  linkProtocol,
  maxFrameBytes,
  type LinkTarget,
  silenceMs,
  type ToPlane,
} from './wire.ts'

const connectTimeoutMs = 5000
const minRetryMs = 100
const maxRetryMs = 2000
/** How long a metadata call is retried through cuts of the link and short failures of the database. */
const patienceMs = 20_000
/** Delay between attempts at a call that the database could not carry out. */
const repeatMs = 200
const maxOpenCalls = 50_000

export interface AgentConnectionOptions {
  /**
   * Addresses of control planes or of a load balancer in front of them, `http://host:port`; the first to answer is
   * used.
   */
  readonly urls: readonly URL[]
  readonly agentKey: string
  readonly clusterId: string
  readonly version: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** The control plane does not accept this agent; the code says why. */
export class LinkRefused extends Error {
  readonly code: ApiErrorCode

  constructor(code: ApiErrorCode, message: string) {
    super(message)
    this.name = 'LinkRefused'
    this.code = code
  }
}

/** Refusals that retrying cannot change. */
const finalCodes: readonly ApiErrorCode[] = [
  'invalid_api_key',
  'forbidden',
  'virtual_cluster_not_found',
  'incompatible_version',
  'unknown_endpoint',
]

interface OpenCall {
  readonly target: LinkTarget
  readonly name: string
  readonly values: readonly unknown[]
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  /** Monotonic milliseconds. */
  readonly deadline: number
  /** Sent over the present link or an earlier one, so it may have been carried out. */
  wasSent: boolean
}

/**
 * An agent's link to the control plane: one connection for everything, re-established when it breaks. Repeatable
 * metadata calls survive that, in their order; others reject with `unknown_outcome`. Control plane calls reject
 * immediately while there is no connection.
 */
export class AgentConnection {
  /** The control plane itself. */
  readonly control: AgentLink
  readonly #options: AgentConnectionOptions
  readonly #calls = new Map<number, OpenCall>()
  readonly #changeListeners = new Set<(change: Change) => void>()
  readonly #stop = new AbortController()
  readonly #running: Promise<unknown>
  #socket: WebSocket | undefined
  #heardAt: number
  #nextId = 1

  /** Resolves once connected. Rejects with {@link LinkRefused}, or with the system's error after `patienceMs`, or immediately if the certificate is not accepted. */
  static async open(options: AgentConnectionOptions): Promise<AgentConnection> {
    const { clock, log } = options
    const giveUpAt = clock.monotonic() + patienceMs
    for (let attempt = 0; ; attempt++) {
      try {
        return new AgentConnection(options, await connect(options, attempt))
      } catch (error) {
        const isFinal = error instanceof LinkRefused ? finalCodes.includes(error.code) : isCertificateRefused(error)
        if (isFinal || clock.monotonic() > giveUpAt) throw error
        log.warn('the control plane cannot be reached yet', { error: String(error) })
        await clock.sleep(Math.min(minRetryMs * 2 ** attempt, maxRetryMs))
      }
    }
  }

  private constructor(options: AgentConnectionOptions, socket: WebSocket) {
    this.#options = options
    this.#heardAt = options.clock.monotonic()
    this.#adopt(socket)
    this.control = this.#controlLink()
    this.#running = Promise.all([this.#stayConnected(), this.#beat()])
  }

  /** The metadata of the cluster. Closing this transport leaves the link open. */
  metadata(): Transport {
    return {
      // The result is that of the operation of this name, carried out by the control plane.
      call: (name, ...values) => this.#callMetadata(name, values) as Promise<never>,
      onChange: listener => {
        this.#changeListeners.add(listener)
        return () => this.#changeListeners.delete(listener)
      },
      // The link is re-established, however long it takes.
      onLost: () => () => {},
      close: async () => {},
    }
  }

  /** Closes the link and rejects pending calls. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#end()
    await this.#running
    this.#dropUnrepeatable()
    for (const call of this.#calls.values()) call.reject(errorFor(call.target, 'closed', 'the link is closed'))
    this.#calls.clear()
  }

  get #isConnected(): boolean {
    return this.#socket !== undefined
  }

  async #callMetadata(name: CallName, values: readonly unknown[]): Promise<unknown> {
    const { clock } = this.#options
    const deadline = clock.monotonic() + patienceMs
    for (;;) {
      try {
        return await this.#call('metadata', name, values, deadline)
      } catch (error) {
        const code = error instanceof MetadataError ? error.code : 'failed'
        const mayPass = code === 'busy' || (code === 'unknown_outcome' && isRepeatable(name))
        if (!mayPass || clock.monotonic() + repeatMs > deadline || this.#stop.signal.aborted) throw error
        await waitOrAbort(clock, repeatMs, this.#stop.signal)
      }
    }
  }

  #controlLink(): AgentLink {
    const deadline = Number.POSITIVE_INFINITY
    const call = async <Result>(name: keyof AgentLink, values: readonly unknown[], signal?: AbortSignal) =>
      (await this.#call('control', name, values, deadline, signal)) as Result // what the control plane's own method returned
    return {
      register: hello => call('register', [hello]),
      poll: (agentId, revision, signal) => call('poll', [agentId, revision], signal),
      report: (agentId, report) => call('report', [agentId, report]),
      answer: (agentId, questionId, answer) => call('answer', [agentId, questionId, answer]),
      drain: agentId => call('drain', [agentId]),
      leave: agentId => call('leave', [agentId]),
    }
  }

  #call(
    target: LinkTarget,
    name: string,
    values: readonly unknown[],
    deadline: number,
    signal?: AbortSignal,
  ): Promise<unknown> {
    if (this.#stop.signal.aborted) return Promise.reject(errorFor(target, 'closed', 'the link is closed'))
    if (this.#calls.size >= maxOpenCalls) return Promise.reject(errorFor(target, 'busy', 'too many calls wait'))
    if (this.#socket === undefined && target === 'control')
      return Promise.reject(errorFor(target, 'busy', 'there is no connection to the control plane'))
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      const call: OpenCall = { target, name, values, resolve, reject, deadline, wasSent: false }
      this.#calls.set(id, call)
      this.#send(id, call)
      signal?.addEventListener('abort', () => this.#cancel(id), { once: true })
    })
  }

  /** The control plane ends the call and returns what it has so far. */
  #cancel(id: number): void {
    if (this.#calls.has(id)) this.#write(['cancel', id])
  }

  #send(id: number, call: OpenCall): void {
    if (this.#socket === undefined) return
    call.wasSent = true
    this.#write(['call', id, call.target, call.name, call.values])
  }

  #write(message: ToPlane): void {
    this.#socket?.send(encode(message))
  }

  #adopt(socket: WebSocket): void {
    this.#socket = socket
    this.#heardAt = this.#options.clock.monotonic()
    const onSign = () => (this.#heardAt = this.#options.clock.monotonic())
    socket.on('ping', onSign)
    socket.on('message', (frame: Buffer) => {
      onSign()
      this.#onFrame(frame)
    })
    socket.on('error', () => socket.terminate()) // 'close' follows
    // Calls made while there was no link are sent first, in their order.
    for (const [id, call] of this.#calls) this.#send(id, call)
  }

  #onFrame(frame: Buffer): void {
    // Only the control plane writes to this socket.
    const message = decode(frame) as readonly [string, ...unknown[]]
    if (message[0] === 'change') {
      // The second member of this kind of message.
      for (const listener of this.#changeListeners) listener(message[1] as Change)
      return
    }
    // Every other message is the response to a call.
    const [kind, id, first, second] = message as readonly [string, number, unknown, string]
    const call = this.#calls.get(id)
    if (call === undefined) return
    this.#calls.delete(id)
    if (kind === 'result') call.resolve(first)
    else call.reject(errorFor(call.target, first as string, second)) // a failure has a code and a message
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#stop
    const { clock, random, log } = this.#options
    for (;;) {
      await closed(this.#socket!)
      this.#socket = undefined
      if (signal.aborted) return
      log.warn('lost the link to the control plane; reconnecting')
      this.#dropUnrepeatable()
      for (let attempt = 0; !this.#isConnected; attempt++) {
        try {
          this.#adopt(await connect(this.#options, attempt))
        } catch (error) {
          log.warn('the control plane cannot be reached', { error: String(error) })
          // With jitter, because all agents of a control plane that has ended reconnect at the same time.
          const spread = 0.5 + (random.bytes(1)[0]! / 255) * 0.5
          await waitOrAbort(clock, Math.min(minRetryMs * 2 ** attempt, maxRetryMs) * spread, signal)
        }
        if (signal.aborted) return this.#end()
      }
      log.info('reconnected to the control plane')
      for (const listener of this.#changeListeners) listener({ isAfterGap: true })
    }
  }

  #end(): void {
    this.#socket?.terminate()
  }

  /** After a cut: calls that may have been carried out and must not happen twice reject with an unknown outcome. */
  #dropUnrepeatable(): void {
    for (const [id, call] of this.#calls) {
      // A call to the metadata has the name of a metadata operation.
      const isKept = call.target === 'metadata' && (!call.wasSent || isRepeatable(call.name as CallName))
      if (isKept) continue
      this.#calls.delete(id)
      call.reject(errorFor(call.target, 'unknown_outcome', 'the link to the control plane broke'))
    }
  }

  /** Closes a silent link, and rejects calls that have waited too long. */
  async #beat(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      await waitOrAbort(clock, beatMs, signal)
      const now = clock.monotonic()
      if (now - this.#heardAt > silenceMs) this.#socket?.terminate()
      for (const [id, call] of this.#calls) {
        if (call.deadline > now) continue
        this.#calls.delete(id)
        const code = call.wasSent ? 'unknown_outcome' : 'busy'
        call.reject(errorFor(call.target, code, 'the control plane did not answer in time'))
      }
    }
  }
}

/** Tries the addresses in turn, starting with a different one each time. */
async function connect(options: AgentConnectionOptions, attempt: number): Promise<WebSocket> {
  const { urls } = options
  let problem: unknown
  for (let index = 0; index < urls.length; index++) {
    try {
      return await connectTo(urls[(attempt + index) % urls.length]!, options)
    } catch (error) {
      // A refusal is more informative than an address on which nothing listens.
      if (!(problem instanceof LinkRefused)) problem = error
    }
  }
  throw problem
}

async function connectTo(base: URL, options: AgentConnectionOptions): Promise<WebSocket> {
  const { WebSocket } = await import('ws')
  const url = new URL(linkPath, base)
  url.protocol = base.protocol === 'https:' ? 'wss:' : 'ws:'
  const socket = new WebSocket(url, {
    handshakeTimeout: connectTimeoutMs,
    maxPayload: maxFrameBytes,
    perMessageDeflate: false,
    headers: {
      [linkHeaders.key]: options.agentKey,
      [linkHeaders.cluster]: options.clusterId,
      [linkHeaders.protocol]: String(linkProtocol),
      [linkHeaders.version]: options.version,
    },
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
    socket.once('unexpected-response', (_request, response) => {
      const refused = refusal(response).then(reject, reject)
      void refused.then(() => {
        socket.once('error', () => {}) // that it was closed before it was open
        socket.terminate()
      })
    })
  })
}

async function refusal(response: IncomingMessage): Promise<Error> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of response) chunks.push(chunk)
    // Refusals of the upgrade have this shape; a text that is not JSON is caught.
    const { code, message } = JSON.parse(Buffer.concat(chunks).toString()) as { code: ApiErrorCode; message: string }
    return new LinkRefused(code, message)
  } catch {
    return new LinkRefused('unknown_endpoint', `the server there is not a control plane (HTTP ${response.statusCode})`)
  }
}

function closed(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve()
  return new Promise(resolve => socket.once('close', () => resolve()))
}

/** The codes on the link are those of the metadata, or of the control plane's API. */
function errorFor(target: LinkTarget, code: string, message: string): Error {
  // The metadata service returns only its own codes.
  if (target === 'metadata') return new MetadataError(code as MetadataErrorCode, message)
  const isLocal = code === 'busy' || code === 'closed' || code === 'unknown_outcome'
  // Any other code is one of the API's.
  return new ControlError(isLocal ? 'database_unavailable' : (code as ApiErrorCode), message)
}
