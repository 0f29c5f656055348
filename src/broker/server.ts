import { createServer, Socket, type Server } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Log } from '../base/index.ts'
import { Connection } from './connection.ts'
import { BrokerCounters } from './counters.ts'
import type { AnyHandler, BrokerContext } from './handler.ts'
import type { SecuritySettings, TlsSettings } from './security/settings.ts'

/** All sockets read into this, one after the other; each copies what is its own before the next one reads. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Kafka's connections.max.idle.ms. */
const idleTimeoutMs = 600_000

/** The Kafka port: accepts connections and closes them again. */
export class KafkaServer {
  readonly counters = new BrokerCounters()
  readonly #contextFor: (port: number) => BrokerContext
  readonly #log: Log
  #broker: BrokerContext | undefined
  #handlers: ReadonlyMap<number, AnyHandler> = new Map()
  readonly #connections = new Set<Connection>()
  readonly #server: Server
  readonly #security: SecuritySettings
  #stopReloading: (() => void) | undefined
  #nextId = 1

  /** @param contextFor answers what the handlers share, once the port is known */
  constructor(contextFor: (port: number) => BrokerContext, log: Log, security: SecuritySettings = {}) {
    this.#contextFor = contextFor
    this.#log = log
    this.#security = security
    this.#server =
      security.tls === undefined
        ? createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, accepted => {
            this.#accept(accepted, onBytes => readingInto(readBuffer, accepted, this.#server, onBytes))
          })
        : this.#tlsServer(security.tls)
  }

  /** Listens; port 0 takes a free one. Answers the port. Rejects when the port is taken. */
  listen(port: number, host?: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, host, backlog: 1024 }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', error => this.#log.error('listener failed', { error: error.message }))
        const address = this.#server.address()
        const bound = typeof address === 'object' && address !== null ? address.port : port
        this.#broker = this.#contextFor(bound)
        this.#handlers = new Map(this.#broker.handlers.map(handler => [handler.api.key, handler]))
        resolve(bound)
      })
    })
  }

  /** Accepts nothing more and closes all connections, whatever they wait for. */
  close(): Promise<void> {
    this.#stopReloading?.()
    if (!this.#server.listening) return Promise.resolve()
    const closed = new Promise<void>(resolve => {
      this.#server.close(() => resolve())
    })
    for (const connection of this.#connections) connection.close()
    return closed
  }

  #tlsServer(tls: TlsSettings): Server {
    const server: TlsServer = createTlsServer(
      {
        ...tls.current(),
        requestCert: tls.requiresClientCertificate,
        rejectUnauthorized: tls.requiresClientCertificate,
        noDelay: true,
      },
      accepted => this.#accept(accepted, onBytes => accepted.on('data', onBytes)),
    )
    server.on('tlsClientError', (error, socket) => {
      this.#log.debug('TLS handshake failed', { error: error.message })
      socket.destroy()
    })
    this.#stopReloading = tls.onChange(() => {
      try {
        server.setSecureContext(tls.current())
        this.#log.info('the certificate of the Kafka port was reloaded')
      } catch (error) {
        this.#log.error('the new certificate of the Kafka port cannot be used, the old one stays', {
          error: (error as Error).message,
        })
      }
    })
    return server
  }

  /** @param reading makes the socket call `onBytes` with all that arrives */
  #accept(accepted: Socket, reading: (onBytes: (chunk: Buffer) => void) => Socket): void {
    const { counters } = this
    const broker = this.#broker
    if (broker === undefined) return void accepted.destroy()
    let connection: Connection | undefined
    const socket = reading(chunk => connection?.onBytes(chunk))
    connection = new Connection(socket, {
      id: this.#nextId++,
      broker,
      handlers: this.#handlers,
      counters,
      security: this.#security,
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
    socket.resume()
  }
}

/** What Node keeps to itself of its sockets and is needed here. */
interface SocketInternals {
  _handle: unknown
  _server: Server | null
}

/**
 * The same connection as a socket that reads into `buffer` instead of allocating for each read, which is twice as fast
 * at 64 KiB. `net.connect` offers this by `onread`, servers do not, so the handle is moved to a new socket. The new one
 * must belong to the server, else `server.close()` never ends.
 */
function readingInto(buffer: Buffer, accepted: Socket, server: Server, onBytes: (chunk: Buffer) => void): Socket {
  const inner = accepted as unknown as SocketInternals
  const handle = inner._handle
  inner._handle = null
  inner._server = null
  const options = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (bytesRead: number) => {
        onBytes(buffer.subarray(0, bytesRead))
        return true
      },
    },
  }
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0])
  ;(socket as unknown as SocketInternals)._server = server
  return socket
}
