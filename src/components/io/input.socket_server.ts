import { messageOf, asError } from '../../base/index.ts'
import type { Socket as DatagramSocket } from 'node:dgram'
import { type AddressInfo, isIPv6, type ListenOptions, type Server, type Socket } from 'node:net'
import {
  autoReplayNacksField,
  type ByteSource,
  codecFields,
  ConfigError,
  defineInput,
  deliverCut,
  type Delivery,
  field,
  type Infer,
  type Input,
  type Message,
  openScanner,
  type Resources,
  type Scanner,
  type ScannerFactory,
} from '../../engine/index.ts'
import { socketAddress, socketAddressField, socketAddressText } from './sockets.ts'
import { StreamSource } from './stream-source.ts'

/** Datagrams queued while the stream is busy, in bytes. */
const maxWaitingBytes = 16 * 1024 * 1024

const config = field.object({
  network: field.string('The type of socket.').options({
    unix: 'A Unix domain socket.',
    tcp: 'A TCP port.',
    udp: 'Datagrams, which are split into messages as one stream.',
    tls: 'A TCP port with TLS.',
  }),
  address: socketAddressField.needs('listen').examples('/tmp/bento.sock', '0.0.0.0:6000'),
  address_cache: field
    .string(
      'A cache that stores the actual address, for use with port 0; the key is `<label>_address`, or `socket_server_address` without a label.',
    )
    .optional(),
  tls: field
    .object(
      {
        cert_file: field.string('A file with the certificate, in PEM format.').needs('files').optional(),
        key_file: field.string('A file with the private key, in PEM format.').needs('files').optional(),
        self_signed: field.bool('Whether to generate a self-signed certificate if no files are given.').default(false),
      },
      'TLS settings, if `network` is `tls`.',
    )
    .optional(),
  auto_replay_nacks: autoReplayNacksField,
  ...codecFields,
  scanner: field.scanner('How the received data is split into messages.').default({ lines: {} }).optional(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'socket_server',
  status: 'stable',
  categories: ['Network'],
  summary: 'Accepts connections on TCP, UDP, TLS or Unix sockets and receives messages from them.',
  description: `Each connection is split into messages separately; one whose data cannot be split is closed. While the stream
is busy, clients are throttled, and datagrams beyond ${maxWaitingBytes / 1024 / 1024} MiB are dropped with a warning.`,
  config,
  examples: [
    {
      title: 'Receiving lines over TCP',
      config: 'input:\n  socket_server:\n    network: tcp\n    address: 0.0.0.0:6000\n',
    },
  ],
  requires: ['selfsigned'],
  async create(options, resources) {
    // Throws if the cache does not exist.
    if (options.address_cache !== undefined) resources.cache(options.address_cache)
    return new SocketServerInput(
      options,
      await openScanner({ ...options, scanner: options.scanner! }, resources),
      resources,
    )
  },
})

/** Messages of one connection waiting to be read. */
interface Waiting {
  readonly messages: readonly Message[]
  readonly scanner: Scanner
  readonly taken: () => void
}

class SocketServerInput implements Input {
  readonly #config: Config
  readonly #factory: ScannerFactory
  readonly #resources: Resources
  readonly #connections = new Set<Socket>()
  #server: Server | null = null
  #datagrams: DatagramSocket | null = null
  #waiting: Waiting[] = []
  #wake = (): void => undefined
  #isClosed = false

  constructor(options: Config, factory: ScannerFactory, resources: Resources) {
    this.#config = options
    this.#factory = factory
    this.#resources = resources
  }

  async connect(): Promise<void> {
    if (this.#server !== null || this.#datagrams !== null) return
    const address = this.#config.network === 'udp' ? await this.#receive() : await this.#listen()
    this.#resources.log.info(`Receiving ${this.#config.network} socket messages from address: ${address}`)
    await this.#publish(address)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const wake = () => this.#wake()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        if (signal.aborted) return null
        const next = this.#waiting.shift()
        if (next !== undefined) {
          next.taken()
          return deliverCut(next.scanner, next.messages)
        }
        await new Promise<void>(resolve => (this.#wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const socket of this.#connections) socket.destroy()
    for (const { taken } of this.#waiting.splice(0)) taken()
    this.#datagrams?.close()
    const server = this.#server
    if (server !== null) await new Promise<void>(resolve => server.close(() => resolve()))
  }

  async #listen(): Promise<string> {
    const { network, address } = this.#config
    const { listen } = this.#resources.host
    const tls = network === 'tls' ? await this.#certificate() : undefined
    const server = listen.socketServer(socket => void this.#serve(socket), tls)
    server.on('tlsClientError', (error: Error) => this.#dropped(error))
    await listen.start(server, listenOptions(network, address))
    server.on('error', error => this.#resources.log.error(`Failed to accept Socket connection: ${error.message}`))
    this.#server = server
    const bound = server.address() as AddressInfo | string // not null while listening
    return typeof bound === 'string' ? bound : socketAddressText({ host: bound.address, port: bound.port })
  }

  async #receive(): Promise<string> {
    const { host, port } = socketAddress(this.#config.address)
    const socket = await this.#resources.host.listen.datagrams(isIPv6(host) ? 'udp6' : 'udp4', {
      port,
      ...(host === '' ? {} : { address: host }),
    })
    this.#datagrams = socket
    socket.on('error', error => this.#dropped(error))
    const source = new DatagramSource(socket, count =>
      this.#resources.log.warn(`Dropped ${count} datagrams, as the stream is too slow for them`),
    )
    void this.#cutDatagrams(source)
    const bound = socket.address()
    return socketAddressText({ host: bound.address, port: bound.port })
  }

  async #publish(address: string): Promise<void> {
    const { address_cache: cache } = this.#config
    if (cache === undefined) return
    const { label } = this.#resources
    const key = label === '' ? 'socket_server_address' : `${label}_address`
    try {
      await this.#resources.cache(cache).set(key, Buffer.from(address))
    } catch (error) {
      this.#resources.log.error(`Failed to set address in cache: ${messageOf(error)}`)
    }
  }

  async #certificate(): Promise<{ readonly cert: string | Buffer; readonly key: string | Buffer }> {
    const { cert_file: certFile = '', key_file: keyFile = '', self_signed: isSelfSigned } = this.#config.tls ?? {}
    if (certFile !== '' && keyFile !== '') {
      const { files } = this.#resources.host
      return { cert: await files.readFile(certFile), key: await files.readFile(keyFile) }
    }
    if (isSelfSigned !== true) {
      throw new ConfigError('must specify either a certificate file or enable self signed')
    }
    const { generate } = await import('selfsigned')
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec', algorithm: 'sha256' })
    return { cert: made.cert, key: made.private }
  }

  /** Splits one connection into messages until it ends. Never rejects. */
  async #serve(socket: Socket): Promise<void> {
    if (this.#isClosed) return void socket.destroy()
    this.#connections.add(socket)
    try {
      await this.#cut(new StreamSource(socket))
    } catch (error) {
      if (!this.#isClosed) this.#dropped(asError(error))
    } finally {
      this.#connections.delete(socket)
      socket.destroy()
    }
  }

  /** Datagrams have no connection to close: after data that cannot be split it continues with the next datagram. */
  async #cutDatagrams(source: DatagramSource): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#cut(source)
        return
      } catch (error) {
        if (!this.#isClosed) this.#dropped(asError(error))
      }
    }
  }

  async #cut(source: ByteSource): Promise<void> {
    const scanner = this.#factory.scan(source)
    for (;;) {
      const messages = await scanner.next()
      if (messages === null || this.#isClosed) return
      if (messages.length === 0) continue
      await new Promise<void>(taken => {
        this.#waiting.push({ messages, scanner, taken })
        this.#wake()
      })
    }
  }

  #dropped(error: Error): void {
    this.#resources.log.error(`Connection dropped due to: ${error.message}`)
  }
}

/** Datagrams as pieces of one stream. When the queue is full, further datagrams are dropped and counted. */
class DatagramSource implements ByteSource {
  readonly name = ''
  readonly metadata = new Map()
  readonly #onDropped: (count: number) => void
  #pieces: Uint8Array[] = []
  #waitingBytes = 0
  #droppedCount = 0
  #ended = false
  #wake = (): void => undefined

  constructor(socket: DatagramSocket, onDropped: (count: number) => void) {
    this.#onDropped = onDropped
    socket.on('message', piece => {
      if (this.#waitingBytes + piece.length <= maxWaitingBytes) {
        this.#pieces.push(piece)
        this.#waitingBytes += piece.length
      } else {
        this.#droppedCount++
      }
      this.#wake()
    })
    socket.once('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#droppedCount > 0) {
      this.#onDropped(this.#droppedCount)
      this.#droppedCount = 0
    }
    while (this.#pieces.length === 0) {
      if (this.#ended) return null
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
    const pieces = this.#pieces
    this.#pieces = []
    this.#waitingBytes = 0
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  close(): void {
    // The socket outlives a failed scanner.
  }
}

function listenOptions(network: string, address: string): ListenOptions {
  if (network === 'unix') return { path: address }
  const { host, port } = socketAddress(address)
  return host === '' ? { port } : { port, host }
}
