import { type AddressInfo, createServer, Socket, type Server } from 'node:net'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls'
import type { Log } from '../base/index.ts'
import { Connection } from './connection.ts'
import { BrokerCounters } from './counters.ts'
import type { AnyHandler, BrokerContext } from './handler.ts'
import { distinguishedName } from './security/distinguished-names.ts'
import type { SecuritySettings, TlsSettings } from './security/settings.ts'

/** All sockets read into this, one after the other; each copies what is its own before the next one reads. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Kafka's connections.max.idle.ms. */
const idleTimeoutMs = 600_000

/** Makes a socket call `onBytes` with all that arrives. */
type Reading = (onBytes: (chunk: Buffer) => void) => Socket

/** The Kafka port: accepts connections and closes them again. */
export class KafkaServer {
  readonly counters = new BrokerCounters()
  readonly #log: Log
  readonly #security: SecuritySettings
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  /** Connections that came before there was someone to serve them. */
  readonly #early: {
    readonly accepted: Socket
    readonly reading: Reading
    readonly certificateName?: string | undefined
  }[] = []
  #serving: { readonly broker: BrokerContext; readonly handlers: ReadonlyMap<number, AnyHandler> } | undefined
  #stopReloading: (() => void) | undefined
  #nextId = 1

  /** Takes a port, any free one for 0, and lets connections wait until `serve`. Rejects when the port is taken. */
  static async bind(
    port: number,
    host: string | undefined,
    log: Log,
    security: SecuritySettings,
  ): Promise<KafkaServer> {
    const server = new KafkaServer(log, security)
    await server.#listen(port, host)
    return server
  }

  private constructor(log: Log, security: SecuritySettings) {
    this.#log = log
    this.#security = security
    this.#server =
      security.tls === undefined
        ? createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, accepted => {
            this.#accept(accepted, onBytes => readingInto(readBuffer, accepted, this.#server, onBytes))
          })
        : this.#tlsServer(security.tls)
  }

  get port(): number {
    // A server that listens on a port has an address with one.
    return (this.#server.address() as AddressInfo).port
  }

  /** Answers connections, those first that waited. */
  serve(broker: BrokerContext): void {
    this.#serving = { broker, handlers: new Map(broker.handlers.map(handler => [handler.api.key, handler])) }
    for (const { accepted, reading, certificateName } of this.#early.splice(0)) {
      this.#accept(accepted, reading, certificateName)
    }
  }

  /** Accepts nothing more and closes all connections, whatever they wait for. */
  close(): Promise<void> {
    this.#stopReloading?.()
    if (!this.#server.listening) return Promise.resolve()
    for (const { accepted } of this.#early.splice(0)) accepted.destroy()
    const closed = new Promise<void>(resolve => {
      this.#server.close(() => resolve())
    })
    for (const connection of this.#connections) connection.close()
    return closed
  }

  #listen(port: number, host: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, host, backlog: 1024 }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', error => this.#log.error('listener failed', { error: error.message }))
        resolve()
      })
    })
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
        this.#accept(accepted, onBytes => accepted.on('data', onBytes), name)
      },
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

  /** @param certificateName the principal's name out of the client's certificate */
  #accept(accepted: Socket, reading: Reading, certificateName?: string): void {
    const { counters } = this
    if (this.#serving === undefined) return void this.#early.push({ accepted, reading, certificateName })
    const { broker, handlers } = this.#serving
    let connection: Connection | undefined
    const socket = reading(chunk => connection?.onBytes(chunk))
    connection = new Connection(socket, {
      id: this.#nextId++,
      broker,
      handlers,
      counters,
      security: this.#security,
      certificateName,
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
