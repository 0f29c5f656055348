import { messageOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  Backoff,
  defineInput,
  deliverBatch,
  type Delivery,
  evaluated,
  field,
  type Infer,
  type Input,
  Message,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { elements, elementText } from '../../storage/index.ts'
import { azureConfig, AzureError, AzureStorage, credentialsHelp, storageFields } from './storage-client.ts'

const config = azureConfig('queue', {
  ...storageFields,
  queue_name: field
    .interpolated('The queue, which is created if it does not exist.')
    .examples('foo_queue', '${! env("MESSAGE_TYPE").lowercase() }'),
  dequeue_visibility_timeout: field
    .duration('How long a received message is hidden from other readers.')
    .default('30s')
    .advanced(),
  max_in_flight: field.int('The maximum number of messages per request: 1 to 32.').default(10).advanced(),
  track_properties: field
    .bool('Whether to query the number of messages in the queue, which takes an additional request each time.')
    .default(false)
    .advanced(),
  storage_sas_token: field.string('A shared access signature.').default('').deprecated().secret(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'azure_queue_storage',
  categories: ['Services', 'Azure'],
  summary: 'Reads messages from an Azure Storage queue.',
  description: `The messages of one request form a batch. They are deleted once they have been delivered; if they were rejected, or were in flight when the stream stopped, they become visible to readers of the queue again immediately, whereas the original deletes them. A message that is in flight for longer than \`dequeue_visibility_timeout\` is received twice. An empty queue is polled less and less often, down to every 5 seconds.

Metadata of each message: \`queue_storage_insertion_time\` (RFC 3339), \`queue_storage_queue_name\`, \`queue_storage_message_lag\` with \`track_properties\`, and the metadata of the queue, with lower-case names.

${credentialsHelp}`,
  config,
  needs: ['network'],
  create: (options, resources) => new QueueInput(options, resources),
})

const MAX_MESSAGES = 32

interface Taken {
  readonly id: string
  readonly receipt: string
}

class QueueInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #storage: AzureStorage
  readonly #backoff: Backoff
  /** Pending deletions and visibility changes; none rejects. */
  readonly #settling = new Set<Promise<void>>()

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#storage = new AzureStorage(options, 'queue', resources)
    this.#backoff = new Backoff({ initialMs: 50, maxMs: 5000 }, () => resources.host.random())
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    while (!signal.aborted) {
      try {
        const delivery = await this.#take(signal)
        if (delivery !== null) {
          this.#backoff.reset()
          return delivery
        }
      } catch (error) {
        if (signal.aborted) return null
        throw error
      }
      await pause(this.#backoff.next() ?? 0, signal)
    }
    return null
  }

  async close(): Promise<void> {
    await Promise.all(this.#settling)
    await this.#storage.close()
  }

  /** The next messages of the queue, or null if it is empty. */
  async #take(signal: AbortSignal): Promise<Delivery | null> {
    const {
      queue_name: name,
      max_in_flight: limit,
      dequeue_visibility_timeout: hiddenMs,
      track_properties,
    } = this.#config
    const queue = evaluated('queue name', () => name.eval([Message.fromText('')], 0))
    const before = track_properties ? await this.#properties(queue, signal) : undefined
    let text: string
    try {
      const query = {
        numofmessages: String(Math.min(Math.max(limit, 1), MAX_MESSAGES)),
        visibilitytimeout: String(Math.trunc((hiddenMs ?? 30_000) / 1000)),
      }
      const call = { operation: 'GetMessages', method: 'GET', path: [queue, 'messages'], query, signal } as const
      text = (await this.#storage.request(call)).text
    } catch (error) {
      if (!(error instanceof AzureError) || error.status !== 404) throw error
      await this.#storage.request({ operation: 'CreateQueue', method: 'PUT', path: [queue], signal })
      return null
    }
    const entries = elements(text, 'QueueMessage')
    if (entries.length === 0) return null
    const { metadata } = before ?? (await this.#properties(queue, signal))
    const common = new Map<string, Value>([['queue_storage_queue_name', queue]])
    if (before !== undefined) {
      common.set('queue_storage_message_lag', BigInt(Math.max(before.count - entries.length, 0)))
    }
    for (const [key, value] of metadata) common.set(key, value)
    const taken: Taken[] = []
    const messages = entries.map(entry => {
      taken.push({ id: elementText(entry, 'MessageId') ?? '', receipt: elementText(entry, 'PopReceipt') ?? '' })
      const insertedMs = Date.parse(elementText(entry, 'InsertionTime') ?? '')
      const own = new Map(common)
      if (!Number.isNaN(insertedMs)) {
        own.set('queue_storage_insertion_time', new Date(insertedMs).toISOString().replace('.000Z', 'Z'))
      }
      return Message.fromText(elementText(entry, 'MessageText') ?? '', own)
    })
    return deliverBatch(messages, error => {
      const settling = this.#settle(queue, taken, error === null).finally(() => this.#settling.delete(settling))
      this.#settling.add(settling)
      return settling
    })
  }

  /** Deletes delivered messages; makes others visible again, which would otherwise stay hidden until their timeout. */
  async #settle(queue: string, taken: readonly Taken[], isDelivered: boolean): Promise<void> {
    const outcomes = await Promise.allSettled(
      taken.map(({ id, receipt: popreceipt }) =>
        isDelivered
          ? this.#storage.request({
              operation: 'DeleteMessage',
              method: 'DELETE',
              path: [queue, 'messages', id],
              query: { popreceipt },
            })
          : this.#storage.request({
              operation: 'UpdateMessage',
              method: 'PUT',
              path: [queue, 'messages', id],
              query: { popreceipt, visibilitytimeout: '0' },
            }),
      ),
    )
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      const what = isDelivered ? 'delete a message, which comes again' : 'show a message that was refused'
      this.#resources.log.error(`Failed to ${what}: ${messageOf(outcome.reason)}`)
    }
  }

  async #properties(queue: string, signal: AbortSignal) {
    const metadata = new Map<string, Value>()
    try {
      const call = {
        operation: 'GetQueueMetadata',
        method: 'GET',
        path: [queue],
        query: { comp: 'metadata' },
        signal,
      } as const
      const { headers } = await this.#storage.request(call)
      for (const [name, value] of Object.entries(headers)) {
        if (name.startsWith(META) && typeof value === 'string') metadata.set(name.slice(META.length), value)
      }
      return { metadata, count: Number(headers['x-ms-approximate-messages-count'] ?? 0) }
    } catch (error) {
      if (error instanceof AzureError && error.status === 404) return { metadata, count: 0 }
      if (!(error instanceof AzureError)) throw error
      // A signature may permit receiving messages but not reading the queue's properties.
      this.#resources.log.debug(`Failed to see the metadata of the queue: ${messageOf(error)}`)
      return { metadata, count: 0 }
    }
  }
}

const META = 'x-ms-meta-'
