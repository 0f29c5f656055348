import { asError, serverName } from '../../base/index.ts'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { apis, ErrorCode, errorMessage, KafkaError, readResponse, requestFrame } from '../../kafka/index.ts'
import type { Login, Logins } from '../logins.ts'

type Apis = typeof apis
type ApiName = keyof Apis
type RequestOf<Name extends ApiName> = Parameters<Apis[Name]['encodeRequest']>[2]
type ResponseOf<Name extends ApiName> = ReturnType<Apis[Name]['decodeResponse']>

interface Pending {
  readonly onFrame: (frame: Buffer) => void
  readonly onError: (error: Error) => void
}

const connectTimeoutMs = 5000
const clientId = 'penstock-agent'
/** From version 13 on, topics are identified by their ids, which is of no use here. */
const newestVersions: Partial<Record<ApiName, number>> = {
  Fetch: 12,
  OffsetCommit: 9,
  OffsetFetch: 7,
  Metadata: 9,
  DeleteTopics: 5,
  Produce: 12,
}

/** TLS and authentication of a Kafka port, as a client needs them. */
export interface KafkaAccess {
  readonly isEncrypted: boolean
  /** For mutual authentication of server and client. Absent for an agent's own port, which cannot be impersonated. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key'>
  /** Absent if clients need not authenticate. */
  readonly logins: Pick<Logins, 'create' | 'remove'> | undefined
}

const openAccess: KafkaAccess = { isEncrypted: false, logins: undefined }

/** A connection to the Kafka port for the console's few requests. It connects on first use. */
export class KafkaClient {
  readonly #host: string
  readonly #port: number
  readonly #access: KafkaAccess
  #login: Promise<Login> | undefined
  #connection: Promise<Connection> | undefined
  #receivedBytes = 0

  constructor(host: string, port: number, access = openAccess) {
    this.#host = host
    this.#port = port
    this.#access = access
  }

  /** Bytes of all responses so far. */
  get receivedBytes(): number {
    return this.#receivedBytes
  }

  /**
   * Sends a request in the newest version that both sides support. Rejects when the connection is lost or times out.
   */
  async send<Name extends ApiName>(
    name: Name,
    request: RequestOf<Name>,
    timeoutMs = 20_000,
  ): Promise<ResponseOf<Name>> {
    const connection = await this.#connect()
    return connection.send(name, connection.versionOf(name), request, timeoutMs)
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined)
    connection?.close()
    const login = await this.#login?.catch(() => undefined)
    if (login !== undefined) await this.#access.logins?.remove(login)
  }

  #connect(): Promise<Connection> {
    this.#connection ??= this.#open().catch((error: unknown) => {
      this.#connection = undefined
      throw error
    })
    return this.#connection
  }

  async #open(): Promise<Connection> {
    const { logins } = this.#access
    const connection = await Connection.open(this.#host, this.#port, this.#access, {
      onBytes: count => (this.#receivedBytes += count),
      onClose: () => (this.#connection = undefined),
    })
    if (logins === undefined) return connection
    this.#login ??= logins.create()
    this.#login.catch(() => (this.#login = undefined))
    await connection.authenticate(await this.#login)
    return connection
  }
}

/** Throws the error of a code; 0 is no error. */
export function throwOnError(code: number, message: string | null = null): void {
  if (code === ErrorCode.NONE) return
  throw new KafkaError(code as ErrorCode, message ?? errorMessage(code)) // a broker sends codes of the protocol
}

interface ConnectionListener {
  readonly onBytes: (count: number) => void
  readonly onClose: () => void
}

class Connection {
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  #versions = new Map<number, number>()
  #received: Buffer[] = []
  #receivedBytes = 0
  #nextId = 1

  static async open(
    host: string,
    port: number,
    { isEncrypted, tls }: KafkaAccess,
    listener: ConnectionListener,
  ): Promise<Connection> {
    const socket = isEncrypted
      ? connectTls({ host, port, servername: serverName(host), ...(tls ?? { rejectUnauthorized: false }) })
      : connect({ host, port, noDelay: true })
    const connection = new Connection(socket, listener)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => socket.destroy(new Error(`no connection to ${host}:${port} in time`)),
        connectTimeoutMs,
      )
      socket.once(isEncrypted ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer)
        resolve()
      })
      socket.once('error', reject)
    })
    const { apiKeys } = await connection.send('ApiVersions', 0, {}, connectTimeoutMs)
    connection.#versions = new Map(apiKeys.map(({ apiKey, maxVersion }) => [apiKey, maxVersion]))
    return connection
  }

  private constructor(socket: Socket, { onBytes, onClose }: ConnectionListener) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      onBytes(chunk.length)
      this.#onData(chunk)
    })
    let cause: Error | undefined
    socket.on('error', error => {
      cause = error
    })
    socket.on('close', () => {
      onClose()
      const error = new Error('the connection to the Kafka port is closed', { cause })
      for (const { onError } of this.#pending.values()) onError(error)
      this.#pending.clear()
    })
    // An idle connection does not keep the process alive.
    socket.unref()
  }

  versionOf(name: ApiName): number {
    const api = apis[name]
    return Math.min(
      newestVersions[name] ?? api.maxVersion,
      api.maxVersion,
      this.#versions.get(api.key) ?? api.minVersion,
    )
  }

  send<Name extends ApiName>(
    name: Name,
    apiVersion: number,
    request: RequestOf<Name>,
    timeoutMs: number,
  ): Promise<ResponseOf<Name>> {
    const api = apis[name]
    const correlationId = this.#nextId++
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the connection to the Kafka port is closed'))
      const timer = setTimeout(() => this.#socket.destroy(new Error(`no answer to ${name} in time`)), timeoutMs)
      this.#pending.set(correlationId, {
        onFrame: frame => {
          clearTimeout(timer)
          try {
            // The name decides the pair of types, which the compiler cannot follow through the table.
            resolve(readResponse(api as never, apiVersion, frame).response as ResponseOf<Name>)
          } catch (error) {
            reject(asError(error))
          }
        },
        onError: error => {
          clearTimeout(timer)
          reject(error)
        },
      })
      // The caller passes the api and its request as one pair.
      const frame = requestFrame(api as never, { apiVersion, correlationId, clientId }, request as never)
      this.#socket.write(Buffer.concat(frame))
    })
  }

  /** Authenticates by SASL PLAIN. */
  async authenticate({ username, password }: Login): Promise<void> {
    const { errorCode } = await this.send('SaslHandshake', 1, { mechanism: 'PLAIN' }, connectTimeoutMs)
    throwOnError(errorCode)
    const authBytes = Buffer.from(`\0${username}\0${password}`)
    const answer = await this.send('SaslAuthenticate', 1, { authBytes }, connectTimeoutMs)
    throwOnError(answer.errorCode, answer.errorMessage)
  }

  close(): void {
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#receivedBytes += chunk.length
    while (this.#receivedBytes >= 4) {
      if (this.#received[0]!.length < 4) this.#received = [Buffer.concat(this.#received)]
      const size = this.#received[0]!.readInt32BE() + 4
      if (this.#receivedBytes < size) return
      const all = Buffer.concat(this.#received)
      this.#received = all.length > size ? [all.subarray(size)] : []
      this.#receivedBytes -= size
      const frame = all.subarray(4, size)
      const id = frame.readInt32BE()
      const pending = this.#pending.get(id)
      this.#pending.delete(id)
      pending?.onFrame(frame)
    }
  }
}
