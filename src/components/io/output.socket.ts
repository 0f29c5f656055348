import type { Socket as DatagramSocket } from 'node:dgram'
import { isIPv6, type Socket } from 'node:net'
import {
  allDelivered,
  type Batch,
  type ComponentHost,
  defineOutput,
  field,
  type Message,
  NotConnectedError,
  type Output,
} from '../../engine/index.ts'
import { BodyBuffer, type WriterCodec, writerCodec } from './body-buffer.ts'
import { connectSocket, needsOfSocketClient, socketAddress, socketAddressField } from './sockets.ts'

type NetworkKind = 'unix' | 'tcp' | 'udp'

export default defineOutput({
  name: 'socket',
  status: 'stable',
  categories: ['Network'],
  summary: 'Connects to a TCP, UDP or Unix socket and sends messages one after another.',
  description:
    'A message counts as delivered once the operating system has accepted it. With the codec `all-bytes`, each message is sent on a separate connection. Over UDP each message is one datagram, including the delimiter of the codec, which the original sends as a second datagram.',
  config: field
    .object({
      network: field.string('The type of socket.').options({
        unix: 'A Unix domain socket.',
        tcp: 'A TCP connection.',
        udp: 'Datagrams.',
      }),
      address: socketAddressField.examples('/tmp/bento.sock', '127.0.0.1:6000'),
      codec: field.string('How messages are delimited.').default('lines').options(
        {
          'all-bytes': 'Each on a separate connection.',
          append: 'Appended without a delimiter.',
          lines: 'Each followed by a line break, unless it ends with one.',
          'delim:x': 'Each followed by a custom delimiter.',
        },
        false,
      ),
    })
    .needsWhen(['network', 'files'], needsOfSocketClient),
  maxInFlight: 1,
  create(config, { host }) {
    const codec = writerCodec(config.codec)
    const network = config.network as NetworkKind // restricted by the field's options
    return network === 'udp'
      ? new DatagramOutput(config.address, codec, host)
      : new SocketOutput(network, config.address, codec, host)
  },
})

class SocketOutput implements Output {
  readonly #network: 'unix' | 'tcp'
  readonly #address: string
  readonly #codec: WriterCodec
  readonly #host: ComponentHost
  readonly #buffer: BodyBuffer
  #socket: Socket | null = null

  constructor(network: 'unix' | 'tcp', address: string, codec: WriterCodec, host: ComponentHost) {
    this.#network = network
    this.#address = address
    this.#codec = codec
    this.#host = host
    this.#buffer = new BodyBuffer(codec.suffix)
  }

  async connect(signal: AbortSignal): Promise<void> {
    const socket = await connectSocket(this.#host, this.#network, this.#address, signal)
    // No data is expected, but reading is how the end of the connection is noticed.
    socket.resume()
    const forget = () => {
      if (this.#socket === socket) this.#socket = null
      socket.destroy()
    }
    socket.once('end', forget).once('close', forget).on('error', forget)
    this.#socket = socket
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    await this.#send(batch, signal)
  }

  async writeRun(run: readonly Message[], signal: AbortSignal): Promise<readonly (Error | null)[]> {
    await this.#send(run, signal)
    return allDelivered(run)
  }

  close(): void {
    this.#socket?.end()
    this.#socket?.unref()
    this.#socket = null
  }

  async #send(messages: readonly Message[], signal: AbortSignal): Promise<void> {
    if (this.#codec.append) return await this.#sendOver(await this.#connected(signal), messages, signal)
    for (const message of messages) {
      const socket = await this.#connected(signal)
      await this.#sendOver(socket, [message], signal)
      this.#socket = null
      socket.end()
    }
  }

  async #connected(signal: AbortSignal): Promise<Socket> {
    // With `all-bytes` each message needs its own connection, even within a batch.
    if (this.#socket === null && !this.#codec.append) await this.connect(signal)
    if (this.#socket === null) throw new NotConnectedError()
    return this.#socket
  }

  /** Resolves once the operating system has accepted everything. */
  #sendOver(socket: Socket, messages: readonly Message[], signal: AbortSignal): Promise<void> {
    for (const message of messages) this.#buffer.add(message)
    const pieces = this.#buffer.take()
    return new Promise((resolve, reject) => {
      const abort = () => fail(signal.reason)
      const fail = (cause: unknown) => {
        signal.removeEventListener('abort', abort)
        socket.destroy()
        reject(new NotConnectedError(cause))
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      socket.cork()
      for (const piece of pieces) socket.write(piece)
      socket.write('', error => {
        if (error !== null && error !== undefined) return fail(error)
        signal.removeEventListener('abort', abort)
        resolve()
      })
      socket.uncork()
    })
  }
}

class DatagramOutput implements Output {
  readonly #address: string
  readonly #host: ComponentHost
  readonly #buffer: BodyBuffer
  #socket: DatagramSocket | null = null

  constructor(address: string, codec: WriterCodec, host: ComponentHost) {
    this.#address = address
    this.#host = host
    this.#buffer = new BodyBuffer(codec.suffix)
  }

  async connect(): Promise<void> {
    const { host, port } = socketAddress(this.#address)
    const socket = this.#host.network.datagrams(isIPv6(host) ? 'udp6' : 'udp4')
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.connect(port, host === '' ? 'localhost' : host, resolve)
      })
    } catch (error) {
      socket.close()
      throw error
    }
    socket.removeAllListeners('error')
    // If nothing is listening, the system may report that later, for any datagram.
    socket.on('error', () => this.close())
    this.#socket = socket
  }

  async write(batch: Batch): Promise<void> {
    for (const message of batch) {
      const socket = this.#socket
      if (socket === null) throw new NotConnectedError()
      this.#buffer.add(message)
      const pieces = this.#buffer.take()
      await new Promise<void>((resolve, reject) =>
        socket.send(pieces, error => (error === null ? resolve() : reject(error))),
      )
    }
  }

  close(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }
}
