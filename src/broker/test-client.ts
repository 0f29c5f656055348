// A broker in memory and a client of raw frames, for tests.
import { connect, type Socket } from 'node:net'
import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { apis, readResponse, requestFrame } from '../kafka/index.ts'
import { type Metadata, openSqliteMetadata } from '../metadata/index.ts'
import { openMemoryStore } from '../storage/index.ts'
import { Broker } from './broker.ts'
import type { BrokerConfig } from './config.ts'
import { FrameSplitter } from './frame-splitter.ts'
import type { ApiName } from './handler.ts'
import { type LogConfig, localLogConfig } from './log/index.ts'
import type { SecuritySettings } from './security/settings.ts'

type RequestInput<Name extends ApiName> = Parameters<(typeof apis)[Name]['encodeRequest']>[2]
type Response<Name extends ApiName> = ReturnType<(typeof apis)[Name]['decodeResponse']>

export interface TestBroker {
  readonly port: number
  readonly broker: Broker
  connect(): Promise<TestClient>
  close(): Promise<void>
}

export async function startTestBroker(
  config: Partial<BrokerConfig> = {},
  wantedPort = 0,
  store = openMemoryStore(),
  security: SecuritySettings = {},
  metadataSeen: (metadata: Metadata) => Metadata = same => same,
  logConfig: LogConfig = localLogConfig,
): Promise<TestBroker> {
  const opened = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const metadata = metadataSeen(opened)
  const broker = await Broker.open({
    metadata,
    store,
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
    logConfig,
    port: wantedPort,
    host: '127.0.0.1',
    config: { groupInitialRebalanceDelayMs: 0, ...config },
    security,
  }).catch(async (error: unknown) => {
    await opened.close()
    throw error
  })
  const { port } = broker
  const clients: TestClient[] = []
  return {
    port,
    broker,
    async connect() {
      const client = await TestClient.open(port)
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) client.close()
      await broker.close()
      await opened.close()
    },
  }
}

/** Sends requests unchanged and reads responses as they arrive. */
export class TestClient {
  readonly socket: Socket
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>
  readonly #frames: Buffer[] = []
  readonly #readers: ((frame: Buffer) => void)[] = []
  #rawReader: ((chunk: Buffer) => void) | undefined
  #correlationId = 0

  static open(port: number): Promise<TestClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new TestClient(socket)))
      socket.once('error', reject)
    })
  }

  private constructor(socket: Socket) {
    this.socket = socket
    const splitter = new FrameSplitter(2 ** 31 - 1, frame => {
      const reader = this.#readers.shift()
      if (reader === undefined) this.#frames.push(frame)
      else reader(frame)
    })
    socket.on('data', (chunk: Buffer) => {
      const reader = this.#rawReader
      this.#rawReader = undefined
      if (reader === undefined) splitter.push(chunk)
      else reader(chunk)
    })
    socket.on('error', () => socket.destroy())
    this.closed = new Promise(resolve => {
      socket.once('close', () => resolve())
    })
  }

  /** Sends a request; returns its correlation id. */
  send<Name extends ApiName>(name: Name, apiVersion: number, request: RequestInput<Name>): number {
    const correlationId = ++this.#correlationId
    // The union over all names is narrowed to this name.
    const api = apis[name] as Parameters<typeof requestFrame<RequestInput<Name>>>[0]
    const header = { apiVersion, correlationId, clientId: 'test' }
    for (const buffer of requestFrame(api, header, request)) this.socket.write(buffer)
    return correlationId
  }

  /** Writes bytes that are not a request and returns the raw bytes that arrive next. */
  exchangeRaw(bytes: Buffer): Promise<Buffer> {
    return new Promise(resolve => {
      this.#rawReader = resolve
      this.socket.write(bytes)
    })
  }

  /** The next frame that arrives, without its length. */
  receive(): Promise<Buffer> {
    const frame = this.#frames.shift()
    if (frame !== undefined) return Promise.resolve(frame)
    return new Promise(resolve => {
      this.#readers.push(resolve)
    })
  }

  async receiveAs<Name extends ApiName>(name: Name, version: number) {
    // The union over all names is narrowed to this name.
    const api = apis[name] as unknown as Parameters<typeof readResponse<Response<Name>>>[0]
    return readResponse(api, version, await this.receive())
  }

  async call<Name extends ApiName>(name: Name, version: number, request: RequestInput<Name>): Promise<Response<Name>> {
    this.send(name, version, request)
    return (await this.receiveAs(name, version)).response
  }

  close(): void {
    this.socket.destroy()
  }
}
