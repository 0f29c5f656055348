import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import { type Clock, type Log, messageOf, waitOrAbort } from '../../base/index.ts'
import { DatabaseError } from '../../database/index.ts'
import { isCallName, MetadataError, type MetadataHub, type Transport } from '../../metadata/index.ts'
import type { Caller } from '../access.ts'
import type { AgentLink } from '../agent-link.ts'
import type { ControlPlane } from '../control-plane.ts'
import { ControlError } from '../errors.ts'
import { beatMs, decode, encode, linkHeaders, linkProtocol, maxFrameBytes, silenceMs, type ToAgent } from './wire.ts'

/** An agent with more unread bytes than this is disconnected, because it has stopped reading. */
const maxUnreadBytes = 256 * 1024 * 1024

export interface LinkServerOptions {
  readonly plane: ControlPlane
  /** The metadata of a cluster; rejects if it cannot be opened now. */
  readonly metadataOf: (clusterId: string) => Promise<MetadataHub>
  readonly clock: Clock
  readonly log: Log
}

/** Accepts the links of agents, and executes their calls on behalf of the cluster of their key. */
export class LinkServer {
  readonly #options: LinkServerOptions
  readonly #sockets: WebSocketServer
  readonly #links = new Set<Link>()
  readonly #stop = new AbortController()

  static async open(options: LinkServerOptions): Promise<LinkServer> {
    // Loaded here for the sake of importers that need only the types of this folder.
    const { WebSocketServer } = await import('ws')
    return new LinkServer(
      options,
      new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false }),
    )
  }

  private constructor(options: LinkServerOptions, sockets: WebSocketServer) {
    this.#options = options
    this.#sockets = sockets
    void this.#beat()
  }

  /** Handles the handshake of an agent; a refusal is JSON with a code. */
  async accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    try {
      const { clusterId, hub } = await this.#admit(request)
      const { plane, log } = this.#options
      this.#sockets.handleUpgrade(request, socket, head, webSocket => {
        const link = new Link(webSocket, plane.link(clusterId), hub.connect(), log, () => this.#links.delete(link))
        this.#links.add(link)
      })
    } catch (error) {
      refuse(socket, error)
      if (!(error instanceof ControlError)) this.#options.log.warn('a link was refused', { error: String(error) })
    }
  }

  /** Closes all links; agents connect to another control plane, or to this one when it is back. */
  async close(): Promise<void> {
    this.#stop.abort()
    for (const link of this.#links) link.end()
    await new Promise<void>(resolve => this.#sockets.close(() => resolve()))
  }

  async #admit({ headers }: IncomingMessage): Promise<{ readonly clusterId: string; readonly hub: MetadataHub }> {
    const { plane, metadataOf } = this.#options
    const protocol = headers[linkHeaders.protocol]
    if (protocol !== String(linkProtocol)) {
      const versions = `the control plane is version ${plane.options.version}, the agent ${String(headers[linkHeaders.version])}`
      throw new ControlError('incompatible_version', `incompatible versions: ${versions}`)
    }
    const key = headers[linkHeaders.key]
    const caller = typeof key === 'string' ? await plane.keys.authenticate(key) : undefined
    if (caller === undefined) throw new ControlError('invalid_api_key', 'the agent key is not known')
    const clusterId = String(headers[linkHeaders.cluster] ?? '')
    await plane.cluster(clusterId)
    if (!mayServe(caller, clusterId))
      throw new ControlError('forbidden', `the key is not an agent key of the virtual cluster ${clusterId}`)
    return { clusterId, hub: await metadataOf(clusterId) }
  }

  async #beat(): Promise<void> {
    const { clock } = this.#options
    while (!this.#stop.signal.aborted) {
      await waitOrAbort(clock, beatMs, this.#stop.signal)
      const now = clock.monotonic()
      for (const link of this.#links) link.beat(now)
    }
  }
}

function mayServe({ grants }: Caller, clusterId: string): boolean {
  return grants.some(
    ({ principal_kind, resource_id }) =>
      (principal_kind === 'agent' || principal_kind === '*') && (resource_id === clusterId || resource_id === '*'),
  )
}

function refuse(socket: Duplex, error: unknown): void {
  const known =
    error instanceof ControlError ? error : new ControlError('metadata_unavailable', 'the metadata is unavailable')
  const body = JSON.stringify(known.toJSON())
  const head = `HTTP/1.1 ${known.status} ${STATUS_CODES[known.status]}\r\ncontent-type: application/json\r\n`
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`)
}

/** The calls of an agent to the control plane, each with its serialised arguments. */
const controlCalls: Readonly<
  Record<string, (link: AgentLink, values: readonly unknown[], signal: AbortSignal) => Promise<unknown>>
> = {
  // The agent's types bind the values to the name; the protocol version guards against other versions.
  register: (link, [hello]) => link.register(hello as never),
  // Likewise: the protocol version implies that the values have these types.
  poll: (link, [agentId, revision], signal) => link.poll(agentId as string, revision as number, signal),
  // The report is one of this protocol version.
  report: (link, [agentId, report]) => link.report(agentId as string, report as never),
  answer: (link, [agentId, questionId, answer]) =>
    // The answer to a question that the control plane asked by name.
    link.answer(agentId as string, questionId as string, answer as never),
  // An agent's id is a string.
  drain: (link, [agentId]) => link.drain(agentId as string),
  // As above.
  leave: (link, [agentId]) => link.leave(agentId as string),
}

/** One agent's link. */
class Link {
  readonly #socket: WebSocket
  readonly #control: AgentLink
  readonly #metadata: Transport
  readonly #log: Log
  /** The abort controller of each pending call. */
  readonly #calls = new Map<number, AbortController>()
  #heardAt: number | undefined
  #isHeard = true

  constructor(socket: WebSocket, control: AgentLink, metadata: Transport, log: Log, onEnd: () => void) {
    this.#socket = socket
    this.#control = control
    this.#metadata = metadata
    this.#log = log
    const unsubscribe = metadata.onChange(change => this.#send(['change', change]))
    socket.on('message', (frame: Buffer) => this.#onFrame(frame))
    socket.on('pong', () => (this.#isHeard = true))
    socket.on('error', error => log.debug('a link broke', { error: error.message }))
    socket.once('close', () => {
      unsubscribe()
      for (const call of this.#calls.values()) call.abort()
      void metadata.close()
      onEnd()
    })
  }

  end(): void {
    this.#socket.close(1001)
    // A paused peer does not complete the closing handshake.
    this.#socket.terminate()
  }

  beat(now: number): void {
    if (this.#isHeard || this.#heardAt === undefined) this.#heardAt = now
    this.#isHeard = false
    if (now - this.#heardAt > silenceMs || this.#socket.bufferedAmount > maxUnreadBytes) return this.#socket.terminate()
    this.#socket.ping()
  }

  #onFrame(frame: Buffer): void {
    this.#isHeard = true
    let message: unknown
    try {
      message = decode(frame)
    } catch (error) {
      this.#log.warn('received an invalid message on a link', { error: String(error) })
      return this.#socket.terminate()
    }
    if (!Array.isArray(message)) return this.#socket.terminate()
    const [kind, id, target, name, values]: readonly unknown[] = message
    if (typeof id !== 'number') return this.#socket.terminate()
    if (kind === 'cancel') return this.#calls.get(id)?.abort()
    if (typeof name !== 'string' || !Array.isArray(values)) return this.#socket.terminate()
    void this.#answer(id, target, name, values)
  }

  async #answer(id: number, target: unknown, name: string, values: readonly unknown[]): Promise<void> {
    const call = new AbortController()
    this.#calls.set(id, call)
    try {
      this.#send(['result', id, await this.#carryOut(target, name, values, call.signal)])
    } catch (error) {
      const { code, message } = coded(error)
      if (code === 'internal_error' || code === 'failed')
        this.#log.error('a call of an agent failed', { name, error: String(error) })
      this.#send(['error', id, code, message])
    } finally {
      this.#calls.delete(id)
    }
  }

  #carryOut(target: unknown, name: string, values: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    // The values are the arguments of the call of this name.
    if (target === 'metadata' && isCallName(name)) return this.#metadata.call(name, ...(values as never))
    const call = Object.hasOwn(controlCalls, name) ? controlCalls[name] : undefined
    if (call === undefined) throw new ControlError('unknown_endpoint', `there is no call ${name}`)
    return call(this.#control, values, signal)
  }

  #send(message: ToAgent): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(encode(message))
  }
}

function coded(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof ControlError || error instanceof MetadataError) return error
  // The agent retries in any case, even if the call may have been carried out.
  if (error instanceof DatabaseError && (error.isRetriable || error.code === 'unknown_outcome'))
    return { code: 'database_unavailable', message: error.message }
  const message = messageOf(error)
  return { code: 'internal_error', message }
}
