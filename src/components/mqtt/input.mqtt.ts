import { Buffer } from 'node:buffer'
import type { IPublishPacket, MqttClient } from 'mqtt'
import type { Value } from '../../bloblang/index.ts'
import {
  Arrivals,
  autoReplayNacksField,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  type Resources,
} from '../../engine/index.ts'
import { clientFields, mqttConnector, qosOf, type QualityOfService } from './client.ts'

const config = field.object({
  ...clientFields,
  topics: field
    .string(
      'The topics; `+` matches one level, `#` all remaining ones. `$share/GROUP/TOPIC` shares the messages within a group.',
    )
    .list(),
  qos: field.int('The quality of service: 0, 1 or 2.').default(1).advanced(),
  clean_session: field
    .bool('Whether the broker discards the session when the client disconnects; otherwise it keeps messages for it.')
    .default(true)
    .advanced(),
  auto_replay_nacks: autoReplayNacksField,
})

export default defineInput({
  name: 'mqtt',
  categories: ['Services'],
  summary: 'Subscribes to topics of MQTT brokers.',
  description: `With \`qos\` 1 a message is acknowledged once it has been delivered: with \`clean_session: false\` and a \`client_id\`, the broker redelivers messages that were unacknowledged when the connection ended. The original acknowledges messages when they arrive. With \`qos\` 2 the broker hands a message over before it is delivered, so messages in flight when the program ends are lost.

Metadata of each message: \`mqtt_duplicate\`, \`mqtt_qos\`, \`mqtt_retained\`, \`mqtt_topic\`, \`mqtt_message_id\`.`,
  config,
  requires: ['mqtt'],
  needs: ['network'],
  create: (options, resources) => new MqttInput(options, resources),
})

/** Maximum number of messages waiting to be read before reading from the connection pauses. */
const maxWaiting = 1024

class MqttInput implements Input {
  readonly #topics: readonly string[]
  readonly #qos: QualityOfService
  readonly #connect: (signal: AbortSignal) => Promise<MqttClient>
  readonly #arrivals = new Arrivals<IPublishPacket>()
  #client: MqttClient | null = null
  /** Lets the library continue with the next packet. */
  #goOn: (() => void) | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#topics = options.topics
    this.#qos = qosOf(options.qos)
    this.#connect = mqttConnector(options, resources, { clean: options.clean_session }, client => this.#listen(client))
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.close()
    this.#arrivals.reset()
    this.#goOn = null
    const client = await this.#connect(signal)
    this.#client = client
    client.on('close', () => this.#client === client && this.#arrivals.fail(new Error('the connection was closed')))
    const granted = await client.subscribeAsync([...this.#topics], { qos: this.#qos })
    const refused = granted.filter(({ qos }) => qos > 2).map(({ topic }) => topic)
    if (refused.length > 0) throw new Error(`the broker refuses the subscription to ${refused.join(', ')}`)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const packets = await this.#arrivals.take(maxWaiting, signal)
    if (packets === null) return null
    const goOn = this.#goOn
    this.#goOn = null
    goOn?.()
    const client = this.#client
    const sources = new Map(packets.map(packet => [messageOf(packet), packet]))
    return deliverEach([...sources.keys()], (settled, error) => {
      if (error !== null || client === null || !client.connected) return
      for (const message of settled) acknowledge(client, sources.get(message)!)
    })
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    if (client === null) return
    // Without force, the library sends DISCONNECT after the pending acknowledgements.
    await client.endAsync(!client.connected)
  }

  /** Receives messages of a client without acknowledging them. */
  #listen(client: MqttClient): void {
    // An error makes the library continue without an acknowledgement, which is sent once the message has been
    // delivered.
    const later = new Error('acknowledged when it is delivered')
    client.handleMessage = (packet, next) => {
      this.#arrivals.put(packet)
      const goOn = () => next(packet.qos === 0 ? undefined : later)
      if (this.#arrivals.size < maxWaiting) goOn()
      else this.#goOn = goOn
    }
  }
}

/** Sends what the library would have sent when the message arrived. */
function acknowledge(client: MqttClient, packet: IPublishPacket): void {
  const { messageId, qos } = packet
  if (qos === 0 || messageId === undefined) return
  if (qos === 2) client.incomingStore.del(packet, () => undefined)
  // The library has no public API for late acknowledgements.
  client['_sendPacket']({ cmd: qos === 1 ? 'puback' : 'pubcomp', messageId })
}

function messageOf({ payload, dup, qos, retain, topic, messageId }: IPublishPacket): Message {
  const metadata = new Map<string, Value>([
    ['mqtt_duplicate', dup],
    ['mqtt_qos', BigInt(qos)],
    ['mqtt_retained', retain],
    ['mqtt_topic', topic],
    ['mqtt_message_id', BigInt(messageId ?? 0)],
  ])
  return Message.fromBytes(typeof payload === 'string' ? Buffer.from(payload) : payload, metadata)
}
