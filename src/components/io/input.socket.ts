import { fieldsOf } from '../../base/index.ts'
import type { Socket } from 'node:net'
import {
  autoReplayNacksField,
  codecFields,
  defineInput,
  deliverCut,
  type Delivery,
  field,
  type Input,
  NotConnectedError,
  openScanner,
  type Resources,
  type Scanner,
  type ScannerFactory,
} from '../../engine/index.ts'
import { connectSocket, needsOfSocketClient, socketAddressField } from './sockets.ts'
import { StreamSource } from './stream-source.ts'

export default defineInput({
  name: 'socket',
  status: 'stable',
  categories: ['Network'],
  summary: 'Connects to a TCP or Unix socket and splits the received data into messages.',
  description: 'The input reconnects when the other side closes the connection.',
  config: field
    .object({
      network: field.string('The type of socket.').options({
        unix: 'A Unix domain socket.',
        tcp: 'A TCP connection.',
      }),
      address: socketAddressField.examples('/tmp/bento.sock', '127.0.0.1:6000'),
      auto_replay_nacks: autoReplayNacksField,
      ...codecFields,
      scanner: field.scanner('How the received data is split into messages.').default({ lines: {} }).optional(),
    })
    .needsWhen(['network', 'files'], needsOfSocketClient),
  examples: [
    {
      title: 'Reading lines from a TCP server',
      config: 'input:\n  socket:\n    network: tcp\n    address: 127.0.0.1:6000\n',
    },
  ],
  async create(config, resources) {
    const network = config.network as 'unix' | 'tcp' // restricted by the field's options
    return new SocketInput(
      network,
      config.address,
      await openScanner({ ...config, scanner: config.scanner! }, resources),
      resources,
    )
  },
})

class SocketInput implements Input {
  readonly #network: 'unix' | 'tcp'
  readonly #address: string
  readonly #factory: ScannerFactory
  readonly #resources: Resources
  #open: { readonly socket: Socket; readonly scanner: Scanner } | null = null

  constructor(network: 'unix' | 'tcp', address: string, factory: ScannerFactory, resources: Resources) {
    this.#network = network
    this.#address = address
    this.#factory = factory
    this.#resources = resources
  }

  async connect(signal: AbortSignal): Promise<void> {
    const socket = await connectSocket(this.#resources.host, this.#network, this.#address, signal)
    this.#open = { socket, scanner: this.#factory.scan(new StreamSource(socket)) }
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    if (this.#open === null) throw new NotConnectedError()
    const { socket, scanner } = this.#open
    // A read that waits for the other side ends with the socket.
    const abort = () => socket.destroy()
    signal.addEventListener('abort', abort, { once: true })
    try {
      for (;;) {
        const messages = await scanner.next()
        // Data truncated by the abort is not a message.
        if (signal.aborted) return null
        if (messages === null) throw new NotConnectedError()
        if (messages.length > 0) return deliverCut(scanner, messages)
      }
    } catch (error) {
      await this.close()
      if (signal.aborted) return null
      if (fieldsOf(error)['syscall'] !== undefined) throw new NotConnectedError(error)
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    open?.socket.destroy()
    await open?.scanner.close()
  }
}
