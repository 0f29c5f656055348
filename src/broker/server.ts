import { messageOf } from '../base/index.ts'
import { type AddressInfo, createServer, Socket, type Server } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Log } from '../base/index.ts'
import { Connection } from './connection.ts'
import { BrokerCounters } from './counters.ts'
import { FramePool } from './frame-pool.ts'
import type { AnyHandler, BrokerContext } from './handler.ts'
import { distinguishedName } from './security/distinguished-names.ts'
import type { SecuritySettings, TlsSettings } from './security/settings.ts'

/** All sockets read into this buffer in turn; each copies its data before the next one reads. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Kafka's connections.max.idle.ms. */
const idleTimeoutMs = 600_000

/** Receives the bytes of a socket. */
export interface Receiver {
  onBytes(chunk: Buffer): void
  /** The preferred memory for the next bytes. */
  nextTarget(): Buffer | undefined
}

/** Makes a socket pass all that arrives to a receiver. */
type Reading = (receiver: Receiver) => Socket

/** The Kafka port: accepts connections and closes them again. */
export class KafkaServer {
  readonly counters = new BrokerCounters()
  readonly #log: Log
  readonly #security: SecuritySettings
  readonly #server: Server
  /** Listens on a port shared with other processes of this machine. */
  #shared: Server | undefined
  readonly #connections = new Set<Connection>()
  readonly #frames = new FramePool()
  /** Connections that arrived before `serve`. */
  readonly #early: {
    readonly accepted: Socket
    readonly reading: Reading
    readonly certificateName?: string | undefined
  }[] = []
  #serving: { readonly broker: BrokerContext; readonly handlers: ReadonlyMap<number, AnyHandler> } | undefined
  readonly #stopReloading: (() => void)[] = []
  #nextId = 1

  /** Opens a port, any free one for 0, and queues connections until `serve`. Rejects if the port is taken. */
  static async bind(
    port: number,
    host: string | undefined,
    log: Log,
    security: SecuritySettings,
  ): Promise<KafkaServer> {
    const server = new KafkaServer(log, security)
    await listenOn(server.#server, { port, host }, log)
    return server
  }

  private constructor(log: Log, security: SecuritySettings) {
    this.#log = log
    this.#security = security
    this.#server = this.#newServer()
  }

  get port(): number {
    // The address of a server that listens on a port has this type.
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Accepts connections on a second port as well, which the system distributes among the processes that listen on it.
   */
  async share(port: number, host: string | undefined): Promise<void> {
    this.#shared = this.#newServer()
    await listenOn(this.#shared, { port, host, reusePort: true }, this.#log)
  }

  /** Answers connections, queued ones first. */
  serve(broker: BrokerContext): void {
    this.#serving = { broker, handlers: new Map(broker.handlers.map(handler => [handler.api.key, handler])) }
    for (const { accepted, reading, certificateName } of this.#early.splice(0)) {
      this.#accept(accepted, reading, certificateName)
    }
  }

  /** Serves a connection that did not arrive at the port, for tests; returns where its bytes go. */
  attach(socket: Socket): Receiver {
    let receiver: Receiver | undefined
    this.#accept(socket, inner => {
      receiver = inner
      return socket
    })
    return receiver!
  }

  /** Stops accepting and closes all connections, whatever they wait for. */
  close(): Promise<void> {
    for (const stop of this.#stopReloading.splice(0)) stop()
    if (!this.#server.listening) return Promise.resolve()
    for (const { accepted } of this.#early.splice(0)) accepted.destroy()
    const closed = Promise.all([this.#server, this.#shared].map(closeServer))
    for (const connection of this.#connections) connection.close()
    return closed.then(() => undefined)
  }

  #newServer(): Server {
    if (this.#security.tls !== undefined) return this.#tlsServer(this.#security.tls)
    const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, accepted => {
      this.#accept(accepted, receiver => readingInto(readBuffer, accepted, server, receiver))
    })
    return server
  }

  #tlsServer(tls: TlsSettings): Server {
    const server: TlsServer = createTlsServer(
      {
        ...tls.current(),
        requestCert: tls.requiresClientCertificate,
        rejectUnauthorized: tls.requiresClientCertificate,
        noDelay: true,
      },
      accepted => {
        const name = tls.requiresClientCertificate
          ? tls.principalOf(distinguishedName(accepted.getPeerCertificate()))
          : undefined
        this.#accept(accepted, receiver => accepted.on('data', (chunk: Buffer) => receiver.onBytes(chunk)), name)
      },
    )
    server.on('tlsClientError', (error, socket) => {
      this.#log.debug('TLS handshake failed', { error: error.message })
      socket.destroy()
    })
    const stop = tls.onChange(() => {
      try {
        server.setSecureContext(tls.current())
        this.#log.info('the certificate of the Kafka port was reloaded')
      } catch (error) {
        this.#log.error('the new certificate of the Kafka port is invalid; the old one stays in use', {
          error: messageOf(error),
        })
      }
    })
    this.#stopReloading.push(stop)
    return server
  }

  /** @param certificateName the principal's name from the client's certificate */
  #accept(accepted: Socket, reading: Reading, certificateName?: string): void {
    const { counters } = this
    if (this.#serving === undefined) return void this.#early.push({ accepted, reading, certificateName })
    const { broker, handlers } = this.#serving
    let connection: Connection | undefined
    const socket = reading({
      onBytes: chunk => connection?.onBytes(chunk),
      nextTarget: () => connection?.nextTarget(),
    })
    connection = new Connection(socket, {
      id: this.#nextId++,
      broker,
      handlers,
      counters,
      security: this.#security,
      certificateName,
      frames: this.#frames,
    })
    const open = connection
    this.#connections.add(open)
    counters.connectionsOpened++
    counters.connectionsOpen++
    socket.setNoDelay(true)
    socket.setTimeout(idleTimeoutMs)
    socket.once('close', () => {
      this.#connections.delete(open)
      counters.connectionsOpen--
    })
    const throttleMs = broker.quotas.connect(accepted.remoteAddress ?? '')
    if (throttleMs > 0) open.mute(throttleMs)
    else socket.resume()
  }
}

function listenOn(
  server: Server,
  options: { readonly port: number; readonly host: string | undefined; readonly reusePort?: boolean },
  log: Log,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...options, backlog: 1024 }, () => {
      server.off('error', reject)
      server.on('error', error => log.error('listener failed', { error: error.message }))
      resolve()
    })
  })
}

function closeServer(server: Server | undefined): Promise<void> {
  return new Promise(resolve => {
    if (server === undefined) resolve()
    else server.close(() => resolve())
  })
}

/** Private fields of Node's sockets that are needed here. */
interface SocketInternals {
  _handle: unknown
  _server: Server | null
}

/**
 * Moves a connection to a socket that reads into `buffer`, or into the receiver's target, instead of allocating for
 * each read, which is twice as fast at 64 KiB. `net.connect` offers this as `onread` but servers do not, so the handle
 * is moved to a new socket. That must belong to the server, or `server.close()` would never finish.
 */
function readingInto(buffer: Buffer, accepted: Socket, server: Server, receiver: Receiver): Socket {
  // Node has no public API for a server's accounting of its sockets.
  const inner = accepted as unknown as SocketInternals
  const handle = inner._handle
  inner._handle = null
  inner._server = null
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      // Called before each read.
      buffer: () => receiver.nextTarget() ?? buffer,
      callback: (bytesRead: number, into: Buffer) => {
        receiver.onBytes(into.subarray(0, bytesRead))
        return true
      },
    },
  }
  // Node's types omit the option for a handle.
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0])
  // As above.
  ;(socket as unknown as SocketInternals)._server = server
  return socket
}
