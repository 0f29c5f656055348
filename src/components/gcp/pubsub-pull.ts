import type { protos, PubSub, v1 } from '@google-cloud/pubsub'
import { pause, type Resources } from '../../engine/index.ts'
import { reasonOf, subscriberOf } from './pubsub-client.ts'

/** A message leased from the service, by either kind of pull. */
export interface Lease {
  readonly data: Uint8Array
  readonly id: string
  readonly attributes: Readonly<Record<string, string>>
  readonly orderingKey: string
  readonly publishTimeSeconds: number
  /** 0 if the subscription does not count attempts. */
  readonly deliveryAttempt: number
  ack(): Promise<void>
  nack(): Promise<void>
}

/** Pulls messages from the service, and extends their deadlines. */
export interface Puller {
  close(): Promise<void>
}

/** How long messages in flight stay leased, and how often the lease is renewed. */
const LEASE_SECONDS = 60
const RENEW_EVERY_MS = 20_000

/** Maximum messages requested, and ids named, by one request. */
const MAX_PULL = 1000
const MAX_IDS = 1000

/** Pause after a response without messages, which the service sends only after waiting for some. */
const IDLE_MS = 50

interface Limits {
  readonly maxMessages: number
  readonly maxBytes: number
}

type PullAnswer = readonly [protos.google.pubsub.v1.IPullResponse, ...unknown[]]
type Cancellable<T> = Promise<T> & { cancel(): void }
type Received = protos.google.pubsub.v1.IReceivedMessage

/** Pulls messages with one request at a time, as `sync` configures. */
export class SyncPull implements Puller {
  readonly #client: v1.SubscriberClient
  readonly #subscription: string
  readonly #limits: Limits
  readonly #resources: Resources
  readonly #onMessage: (lease: Lease) => void
  readonly #stopping = new AbortController()
  /** Sizes in bytes of the messages that are neither acknowledged nor rejected, by lease id. */
  readonly #outstanding = new Map<string, number>()
  #outstandingBytes = 0
  #wake: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined

  private constructor(
    client: v1.SubscriberClient,
    subscription: string,
    limits: Limits,
    resources: Resources,
    onMessage: (lease: Lease) => void,
  ) {
    this.#client = client
    this.#subscription = subscription
    this.#limits = limits
    this.#resources = resources
    this.#onMessage = onMessage
  }

  /** `onError` is called once, with the error that ended the pull. */
  static async start(
    pubsub: PubSub,
    subscription: string,
    limits: Limits,
    resources: Resources,
    onMessage: (lease: Lease) => void,
    onError: (error: unknown) => void,
  ): Promise<SyncPull> {
    const client = await subscriberOf(pubsub)
    const name = pubsub.subscription(subscription).name
    const pull = new SyncPull(client, name, limits, resources, onMessage)
    pull.#timer = setInterval(() => void pull.#renew(), RENEW_EVERY_MS)
    pull.#running = pull.#run().catch(error => {
      if (!pull.#stopping.signal.aborted) onError(error)
    })
    return pull
  }

  /** Rejects the messages that are still held. */
  async close(): Promise<void> {
    this.#stopping.abort()
    this.#wake?.()
    clearInterval(this.#timer)
    await this.#running
    await this.#setDeadline([...this.#outstanding.keys()], 0).catch((error: unknown) =>
      this.#resources.log.debug(`Failed to refuse messages: ${reasonOf(error)}`),
    )
    await this.#client.close()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const maxMessages = Math.min(MAX_PULL, this.#limits.maxMessages - this.#outstanding.size)
      if (maxMessages < 1 || this.#outstandingBytes >= this.#limits.maxBytes) {
        await this.#roomMade()
        continue
      }
      const received = await this.#pull(maxMessages)
      if (received.length === 0) {
        await pause(IDLE_MS, signal)
        continue
      }
      const leases = received.map(each => this.#leaseOf(each))
      const ids = received.map(({ ackId }) => ackId ?? '')
      if (signal.aborted) return await this.#setDeadline(ids, 0)
      // The deadline of the subscription may be shorter than a message's time in the stream. Awaited, because a renewal
      // that arrived after a rejection would take the message back.
      await this.#setDeadline(ids, LEASE_SECONDS)
      for (const lease of leases) this.#onMessage(lease)
    }
  }

  /** An abandoned request must be cancelled, since otherwise the service would lease its messages to no reader. */
  async #pull(maxMessages: number): Promise<readonly Received[]> {
    const subscription = this.#subscription
    const headers = { 'x-goog-request-params': `subscription=${encodeURIComponent(subscription)}` }
    await this.#client.initialize()
    // Only this untyped call returns a promise that can be cancelled.
    const call = this.#client.innerApiCalls['pull']!(
      { subscription, maxMessages },
      { otherArgs: { headers } },
    ) as Cancellable<PullAnswer>
    const cancel = () => call.cancel()
    this.#stopping.signal.addEventListener('abort', cancel, { once: true })
    try {
      const [{ receivedMessages }] = await call
      return receivedMessages ?? []
    } finally {
      this.#stopping.signal.removeEventListener('abort', cancel)
    }
  }

  #roomMade(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise
  }

  #leaseOf({ ackId, message, deliveryAttempt }: Received): Lease {
    const id = ackId ?? ''
    const bytes = message?.data ?? new Uint8Array()
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : bytes
    this.#outstanding.set(id, data.length)
    this.#outstandingBytes += data.length
    return {
      data,
      id: message?.messageId ?? '',
      attributes: message?.attributes ?? {},
      orderingKey: message?.orderingKey ?? '',
      publishTimeSeconds: Number(message?.publishTime?.seconds ?? 0),
      deliveryAttempt: deliveryAttempt ?? 0,
      ack: async () => {
        this.#settled(id)
        await this.#client.acknowledge({ subscription: this.#subscription, ackIds: [id] })
      },
      nack: async () => {
        this.#settled(id)
        await this.#setDeadline([id], 0)
      },
    }
  }

  #settled(id: string): void {
    this.#outstandingBytes -= this.#outstanding.get(id) ?? 0
    this.#outstanding.delete(id)
    this.#wake?.()
  }

  async #renew(): Promise<void> {
    try {
      await this.#setDeadline([...this.#outstanding.keys()], LEASE_SECONDS)
    } catch (error) {
      this.#resources.log.warn(`Failed to extend the deadlines of messages: ${reasonOf(error)}`)
    }
  }

  async #setDeadline(ackIds: readonly string[], ackDeadlineSeconds: number): Promise<void> {
    for (let first = 0; first < ackIds.length; first += MAX_IDS) {
      const subscription = this.#subscription
      await this.#client.modifyAckDeadline({
        subscription,
        ackIds: ackIds.slice(first, first + MAX_IDS),
        ackDeadlineSeconds,
      })
    }
  }
}
