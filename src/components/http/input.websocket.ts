import { fieldsOf, messageOf } from '../../base/index.ts'
import type { WebSocket } from 'ws'
import {
  Arrivals,
  autoReplayNacksField,
  ClosedError,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  type Resources,
} from '../../engine/index.ts'
import { checkUrl, connectWebSocket, webSocketFields } from './websocket.ts'

/** Messages read ahead. */
const maxWaiting = 256

const config = field
  .object({
    ...webSocketFields,
    open_message: field.string('Use `open_messages` instead.').optional().advanced().deprecated(),
    open_messages: field.string('Messages sent once the connection is established.').list().optional().advanced(),
    open_message_type: field.string('The type of those messages.').default('binary').advanced().options({
      binary: 'Bytes.',
      text: 'UTF-8 text.',
    }),
    auto_replay_nacks: autoReplayNacksField,
    connection: field
      .object({
        max_retries: field
          .int('How many consecutive connection attempts may fail before the input ends; 0 means no limit.')
          .optional()
          .advanced()
          .examples(10),
      })
      .optional()
      .advanced(),
  })
  .lint(value => {
    const { open_message: one, open_messages: list } = fieldsOf(value)
    const isBoth = one !== undefined && Array.isArray(list) && list.length > 0
    return isBoth ? 'both open_message and open_messages cannot be set' : undefined
  })

type Config = Infer<typeof config>

export default defineInput({
  name: 'websocket',
  status: 'stable',
  categories: ['Network'],
  summary: 'Connects to a WebSocket server and reads its messages.',
  description: 'When the server closes the connection, the input reconnects and sends the opening messages again.',
  config,
  examples: [
    {
      title: 'Subscribing to a channel',
      config: `input:
  websocket:
    url: ws://localhost:4195/get/ws
    open_messages: [ '{"subscribe":"orders"}' ]
    open_message_type: text
`,
    },
  ],
  create(options, resources) {
    checkUrl(options)
    return new WebSocketInput(options, resources)
  },
})

class WebSocketInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #arrivals = new Arrivals<Message>()
  #socket: WebSocket | null = null
  #failuresInARow = 0

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
  }

  async connect(signal: AbortSignal): Promise<void> {
    const maxRetries = this.#config.connection?.max_retries ?? 0
    try {
      await this.#connect(signal)
      this.#failuresInARow = 0
    } catch (error) {
      this.#failuresInARow++
      if (maxRetries <= 0 || this.#failuresInARow <= maxRetries) throw error
      this.#resources.log.error(`Gave up connecting to websocket: ${messageOf(error)}`)
      throw new ClosedError()
    }
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const messages = await this.#arrivals.take(maxWaiting, signal)
    this.#socket?.resume()
    return messages === null ? null : deliverEach(messages)
  }

  close(): void {
    this.#socket?.terminate()
  }

  async #connect(signal: AbortSignal): Promise<void> {
    this.#arrivals.reset()
    const socket = await connectWebSocket(this.#config, this.#resources, signal, (from, body) => {
      this.#arrivals.put(Message.fromBytes(body))
      if (this.#arrivals.size >= maxWaiting) from.pause()
    })
    this.#socket = socket
    socket.on('close', (code, reason) => this.#arrivals.fail(new Error(`closed with ${code} ${reason.toString()}`)))
    const { open_messages: messages = [], open_message: message = '' } = this.#config
    const opening = messages.length > 0 || message === '' ? messages : [message]
    const binary = this.#config.open_message_type === 'binary'
    for (const text of opening) {
      await new Promise<void>((resolve, reject) =>
        socket.send(Buffer.from(text), { binary }, error =>
          error === undefined || error === null ? resolve() : reject(error),
        ),
      )
    }
  }
}
