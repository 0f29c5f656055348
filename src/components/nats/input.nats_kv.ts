import type { KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
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
import { bucketField, entryMetadata, openBucket } from './bucket.ts'
import { natsConnector, securityFields, urlsField } from './client.ts'

const config = field.object({
  urls: urlsField,
  bucket: bucketField,
  key: field
    .string('The key; `*` matches one token, `>` the rest.')
    .default('>')
    .examples('foo.bar.baz', 'foo.*.baz', 'foo.>'),
  auto_replay_nacks: autoReplayNacksField,
  ignore_deletes: field.bool('Whether deletions are ignored.').default(false).advanced(),
  include_history: field
    .bool('Whether the earlier values kept by the bucket are delivered, not only the latest of each key.')
    .default(false)
    .advanced(),
  meta_only: field.bool('Whether messages have no body, only metadata.').default(false).advanced(),
  ...securityFields,
})

export default defineInput({
  name: 'nats_kv',
  categories: ['Services'],
  summary: 'Watches keys of a NATS key-value bucket.',
  description: `The existing values are delivered first, then every change. After a lost connection only later changes are delivered.

Metadata of each message: \`nats_kv_key\`, \`nats_kv_bucket\`, \`nats_kv_revision\`, \`nats_kv_delta\`, \`nats_kv_operation\` and \`nats_kv_created\`.`,
  config,
  requires: ['@nats-io/transport-node', '@nats-io/kv'],
  needs: ['network'],
  create: (options, resources) => new NatsKvInput(options, resources),
})

/** Maximum number of messages delivered together. */
const maxRun = 256

class NatsKvInput implements Input {
  readonly #config: Infer<typeof config>
  readonly #connect: () => Promise<NatsConnection>
  readonly #arrivals = new Arrivals<KvWatchEntry>()
  #connection: NatsConnection | null = null
  #lastRevision = 0

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#config = options
    this.#connect = natsConnector(options, resources, { reconnects: false })
  }

  async connect(): Promise<void> {
    await this.close()
    const {
      bucket: name,
      key,
      ignore_deletes: ignoreDeletes,
      include_history: history,
      meta_only: metaOnly,
    } = this.#config
    const connection = await this.#connect()
    this.#connection = connection
    this.#arrivals.reset()
    try {
      const bucket = await openBucket(connection, name)
      const watch = await bucket.watch({
        key,
        ignoreDeletes,
        headers_only: metaOnly,
        ...(this.#lastRevision > 0
          ? { resumeFromRevision: this.#lastRevision + 1 }
          : { include: history ? 'history' : '' }),
      })
      void connection.closed().then(error => this.#connection === connection && this.#arrivals.fail(error))
      void this.#follow(watch)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const entries = await this.#arrivals.take(maxRun, signal)
    if (entries === null) return null
    this.#lastRevision = Math.max(this.#lastRevision, ...entries.map(({ revision }) => revision))
    return deliverEach(entries.map(entry => Message.fromBytes(entry.value, new Map(entryMetadata(entry)))))
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    await connection?.close()
  }

  async #follow(watch: AsyncIterable<KvWatchEntry>): Promise<void> {
    try {
      for await (const entry of watch) this.#arrivals.put(entry)
      this.#arrivals.fail(new Error('the watch ended'))
    } catch (error) {
      this.#arrivals.fail(error)
    }
  }
}
