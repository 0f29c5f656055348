import type { Message as PubsubMessage, PubSub, Subscription } from '@google-cloud/pubsub'
import type { Clock } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  Arrivals,
  Backoff,
  ConfigError,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { pubsubConnector, pubsubFields, reasonOf } from './pubsub-client.ts'
import { type Lease, type Puller, SyncPull } from './pubsub-pull.ts'
import { credentialsHelp, gcpConfig } from './session.ts'

const config = gcpConfig({
  project: field.string('The project that owns the subscription.'),
  subscription: field.string('The name of the subscription.'),
  ...pubsubFields,
  sync: field.bool('Whether to request messages one pull at a time instead of using a streaming pull.').default(false),
  max_outstanding_messages: field.int('The maximum number of messages in flight.').default(1000),
  max_outstanding_bytes: field.int('The maximum number of bytes of messages in flight.').default(1e9),
  create_subscription: field
    .object(
      {
        enabled: field.bool('Whether to create the subscription if it does not exist.').default(false).advanced(),
        topic: field.string('The topic to subscribe to.').default('').advanced(),
      },
      'Creates the subscription.',
    )
    .optional()
    .advanced(),
  extract_tracing_map: field
    .mapping('A mapping that extracts the tracing span of a message.')
    .optional()
    .advanced()
    .examples('root = @'),
  new_root_span_with_link: field.bool('Whether each message starts a new trace.').optional().advanced(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'gcp_pubsub',
  categories: ['Services', 'GCP'],
  summary: 'Reads messages from a Google Cloud Pub/Sub subscription.',
  description: `A message is acknowledged once it has been delivered, and its deadline is extended until then. One that was rejected, or was in flight when the stream stopped, is redelivered by the service. Subscriptions with message ordering deliver the messages of a key one after another; with exactly-once delivery, a failed acknowledgement is logged and the message is redelivered.

Metadata of each message: its attributes by name, \`gcp_pubsub_publish_time_unix\`, \`gcp_pubsub_message_id\`, \`gcp_pubsub_delivery_attempt\` if the subscription has a dead-letter topic, and \`gcp_pubsub_ordering_key\` if the message has one.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@google-cloud/pubsub'],
  create: (options, resources) => new PubsubInput(options, resources),
})

/** Maximum number of messages delivered together. */
const MAX_RUN = 256

/** How long acknowledgements and deadline extensions are collected before they are sent. */
const ANSWER_EVERY_MS = 20

/**
 * Minimum age of a message when it is rejected. The library confirms receipt to the service; if both go out together,
 * the rejection is sent first and the confirmation takes the message back.
 */
const REFUSED_AFTER_MS = 60

class PubsubInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #connect: () => Promise<PubSub>
  readonly #arrivals = new Arrivals<Lease>()
  readonly #backoff: Backoff
  readonly #stopping = new AbortController()
  #client: PubSub | null = null
  #puller: Puller | null = null

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#connect = pubsubConnector(options, resources)
    this.#backoff = new Backoff({ initialMs: 500, maxMs: 30_000 }, () => resources.host.random())
    const { enabled, topic } = options.create_subscription ?? { enabled: false, topic: '' }
    if (enabled && topic === '') throw new ConfigError('must specify a topic_id when create_subscription is enabled')
  }

  async connect(): Promise<void> {
    await this.#disconnect()
    const client = await this.#connect()
    this.#client = client
    const { subscription, create_subscription: create } = this.#config
    if (create?.enabled === true) await this.#createSubscription(client, create.topic)
    this.#arrivals.reset()
    const onMessage = (lease: Lease) => {
      this.#backoff.reset()
      this.#arrivals.put(lease)
    }
    const onError = (error: unknown) => void this.#fail(error)
    const { max_outstanding_messages: maxMessages, max_outstanding_bytes: maxBytes } = this.#config
    const limits = { maxMessages: unlimitedIfZero(maxMessages), maxBytes: unlimitedIfZero(maxBytes) }
    this.#puller = this.#config.sync
      ? await SyncPull.start(client, subscription, limits, this.#resources, onMessage, onError)
      : new StreamingPull(
          client.subscription(subscription, {
            flowControl: { ...limits, allowExcessMessages: false },
            batching: { maxMilliseconds: ANSWER_EVERY_MS },
          }),
          this.#resources.clock,
          onMessage,
          onError,
        )
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const leases = await this.#arrivals.take(MAX_RUN, signal)
    if (leases === null) return null
    const byMessage = new Map(leases.map(lease => [toMessage(lease), lease]))
    return deliverEach([...byMessage.keys()], async (messages, error) => {
      const settled = messages.map(message => byMessage.get(message)!)
      // Messages that the end of the stream left unfinished are rejected as well, since no other reader would get them
      // before their deadline.
      const outcomes = await Promise.allSettled(settled.map(lease => (error === null ? lease.ack() : lease.nack())))
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') continue
        const what = `${error === null ? 'acknowledge' : 'refuse'} message '${settled[index]!.id}'`
        this.#resources.log.error(`Failed to ${what}, which comes again: ${reasonOf(outcome.reason)}`)
      }
    })
  }

  close(): Promise<void> {
    this.#stopping.abort()
    return this.#disconnect()
  }

  async #disconnect(): Promise<void> {
    const [client, puller] = [this.#client, this.#puller]
    this.#client = null
    this.#puller = null
    await puller?.close()
    await client?.close()
  }

  /** Makes the engine reconnect, with a growing delay while no message arrives in between. */
  async #fail(error: unknown): Promise<void> {
    this.#resources.log.error(`Subscription error: ${reasonOf(error)}`)
    await pause(this.#backoff.next() ?? 0, this.#stopping.signal)
    this.#arrivals.fail(error)
  }

  async #createSubscription(client: PubSub, topic: string): Promise<void> {
    const { subscription } = this.#config
    const { log } = this.#resources
    try {
      const [exists] = await client.subscription(subscription).exists()
      if (exists) return log.info(`Subscription '${subscription}' already exists`)
      log.info(`Creating subscription '${subscription}' on topic '${topic}'`)
      await client.createSubscription(topic, subscription, { ackDeadlineSeconds: 10 })
    } catch (error) {
      log.error(`Error creating subscription ${reasonOf(error)}`)
    }
  }
}

/** A streaming pull by the vendor's library, which extends deadlines and reconnects. */
class StreamingPull implements Puller {
  readonly #subscription: Subscription

  constructor(
    subscription: Subscription,
    clock: Clock,
    onMessage: (lease: Lease) => void,
    onError: (error: unknown) => void,
  ) {
    this.#subscription = subscription
    subscription.on('message', (message: PubsubMessage) => onMessage(leaseOf(message, clock)))
    subscription.once('error', onError)
    // Errors after the first repeat it.
    subscription.on('error', () => undefined)
  }

  /** Rejects the messages that are still held. */
  async close(): Promise<void> {
    await this.#subscription.close()
  }
}

function leaseOf(message: PubsubMessage, clock: Clock): Lease {
  const { data, id, attributes, publishTime, deliveryAttempt } = message
  const arrivedAt = clock.monotonic()
  return {
    data,
    id,
    attributes,
    orderingKey: message.orderingKey ?? '',
    publishTimeSeconds: Math.floor(publishTime.getTime() / 1000),
    deliveryAttempt,
    // With exactly-once delivery these wait for confirmation by the service; otherwise they are only sent.
    ack: async () => void (await message.ackWithResponse()),
    nack: async () => {
      const ageMs = clock.monotonic() - arrivedAt
      if (ageMs < REFUSED_AFTER_MS) await pause(REFUSED_AFTER_MS - ageMs)
      await message.nackWithResponse()
    },
  }
}

function toMessage(lease: Lease): Message {
  const metadata = new Map<string, Value>(Object.entries(lease.attributes))
  metadata.set('gcp_pubsub_publish_time_unix', BigInt(lease.publishTimeSeconds))
  metadata.set('gcp_pubsub_message_id', lease.id)
  if (lease.deliveryAttempt > 0) metadata.set('gcp_pubsub_delivery_attempt', BigInt(lease.deliveryAttempt))
  if (lease.orderingKey !== '') metadata.set('gcp_pubsub_ordering_key', lease.orderingKey)
  return Message.fromBytes(lease.data, metadata)
}

/** Like the original, takes numbers below one to mean no limit. */
const unlimitedIfZero = (limit: number): number => (limit > 0 ? limit : Number.MAX_SAFE_INTEGER)
