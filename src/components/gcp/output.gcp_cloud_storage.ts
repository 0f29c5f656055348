import { createHash } from 'node:crypto'
import { dirname } from 'node:path/posix'
import { formatUuidV4, messageOf, unreachable } from '../../base/index.ts'
import { type Interpolation, textOfMetadata } from '../../bloblang/index.ts'
import {
  type Batch,
  batchingField,
  defineOutput,
  deliverEachOf,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Output,
  type Resources,
  withDeadline,
} from '../../engine/index.ts'
import { credentialsHelp, gcpConfig } from './session.ts'
import { isPresent, type NewAttributes, type ObjectAttributes, StorageClient, storageFields } from './storage-client.ts'

const collisionModes = {
  overwrite: 'The new object replaces the existing one.',
  append: 'The message is appended to the existing object.',
  'error-if-exists': 'The message fails.',
  ignore: 'The existing object is left unchanged, and the message counts as delivered.',
} as const

type CollisionMode = keyof typeof collisionModes

const config = gcpConfig({
  bucket: field.string('The bucket.'),
  path: field
    .interpolated('The name of the object that a message is stored as.')
    .default('${!count("files")}-${!timestamp_unix_nano()}.txt')
    .examples(
      '${!count("files")}-${!timestamp_unix_nano()}.txt',
      '${!metadata("kafka_key")}.json',
      '${!json("doc.namespace")}/${!json("doc.id")}.json',
    ),
  content_type: field.interpolated('The content type.').default('application/octet-stream'),
  content_encoding: field.interpolated('The content encoding.').default('').advanced(),
  collision_mode: field
    .string('What happens to a message whose `path` names an existing object.')
    .options(collisionModes)
    .default('overwrite'),
  chunk_size: field
    .int(
      'The size in bytes up to which an object is sent in a single request; larger ones are sent in chunks of this size. 0 means no limit.',
    )
    .default(16_777_216)
    .advanced(),
  timeout: field.duration('How long a batch may take.').default('3s').examples('1s', '500ms'),
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
  ...storageFields,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'gcp_cloud_storage',
  categories: ['Services', 'GCP'],
  summary: 'Stores messages as objects in a Google Cloud Storage bucket.',
  description: `Each message becomes an object; those of a batch are written one after another. Interpolations are evaluated per message. The metadata of messages is stored with the objects.

With \`collision_mode: append\`, a message is first stored as a separate object, which the service then appends to the existing one; the result has the content type and metadata of the message. This costs four requests per message, so batch and archive messages. Messages for the same object wait for each other, and changes by other writers are detected. Because a message may be resent after a lost response, it may be appended twice.

To write one object per batch, archive the batch. The \`archive\` processor keeps the metadata of the first message, so where \`path\` depends on metadata, separate the messages with \`group_by_value\` first.

${credentialsHelp}`,
  config,
  needs: ['network'],
  examples: [
    {
      title: 'One archive per batch',
      config: `output:
  gcp_cloud_storage:
    bucket: events
    path: \${!count("files")}-\${!timestamp_unix_nano()}.tar.gz
    batching:
      count: 100
      period: 10s
      processors:
        - archive:
            format: tar
        - compress:
            algorithm: gzip
`,
    },
  ],
  create: (options, resources) => new StorageOutput(options, resources),
})

/** How often an append is retried because another writer changed the object. */
const APPEND_ATTEMPTS = 5

class StorageOutput implements Output {
  readonly #config: Config
  readonly #resources: Resources
  readonly #client: StorageClient
  readonly #mode: CollisionMode
  /** The last queued append of each object. */
  readonly #appending = new Map<string, Promise<void>>()

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#client = new StorageClient(options, resources)
    this.#mode = options.collision_mode as CollisionMode // the field has no other options
  }

  connect(): Promise<void> {
    return this.#client.prepare()
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    // As in the original, the timeout applies to the whole batch.
    await withDeadline('the upload', this.#config.timeout, signal, own =>
      deliverEachOf(batch, (_, index) => this.#store(batch, index, own)),
    )
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #store(batch: Batch, index: number, signal: AbortSignal): Promise<void> {
    const text = (name: string, interpolation: Interpolation) => evaluated(name, () => interpolation.eval(batch, index))
    const message = batch[index]!
    const name = text('path', this.#config.path)
    const attributes: NewAttributes = {
      contentType: text('content type', this.#config.content_type),
      contentEncoding: text('content encoding', this.#config.content_encoding),
      metadata: Object.fromEntries([...message.metadata].map(([key, value]) => [key, textOfMetadata(value)])),
    }
    const data = message.bytes()
    const mode = this.#mode
    switch (mode) {
      case 'overwrite':
        return this.#put(name, data, attributes, signal)
      case 'error-if-exists':
        if (!(await this.#putIfAbsent(name, data, attributes, signal))) {
          throw new Error(`file at path already exists: ${name}`)
        }
        return undefined
      case 'ignore':
        await this.#putIfAbsent(name, data, attributes, signal)
        return undefined
      case 'append':
        return this.#inTurn(name, () => this.#append(name, data, attributes, signal))
      default:
        return unreachable(mode)
    }
  }

  #put(name: string, data: Uint8Array, attributes: NewAttributes, signal: AbortSignal, ifAbsent = false) {
    const { bucket, chunk_size: chunkBytes } = this.#config
    return this.#client.put(bucket, name, data, attributes, { chunkBytes, ifAbsent, signal })
  }

  /** Returns false if there is an object other than this one. */
  async #putIfAbsent(name: string, data: Uint8Array, attributes: NewAttributes, signal: AbortSignal): Promise<boolean> {
    const { bucket } = this.#config
    // Usually an existing object has existed for a while, and checking costs less than sending.
    if ((await this.#client.attributes(bucket, name, signal)) !== undefined) return false
    try {
      await this.#put(name, data, attributes, signal, true)
      return true
    } catch (error) {
      if (!isPresent(error)) throw error
      // If the response to an earlier attempt was lost, the retry finds that attempt's object.
      const found = await this.#client.attributes(bucket, name, signal)
      return found?.md5 === createHash('md5').update(data).digest('base64')
    }
  }

  /** Serializes operations on the same object. */
  async #inTurn(name: string, run: () => Promise<void>): Promise<void> {
    const before = this.#appending.get(name)
    const mine = (before ?? Promise.resolve()).then(run)
    const settled = mine.catch(() => undefined)
    this.#appending.set(name, settled)
    try {
      await mine
    } finally {
      if (this.#appending.get(name) === settled) this.#appending.delete(name)
    }
  }

  async #append(name: string, data: Uint8Array, attributes: NewAttributes, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const found = await this.#client.attributes(this.#config.bucket, name, signal)
      try {
        return await (found === undefined
          ? this.#put(name, data, attributes, signal, true)
          : this.#appendTo(found, data, attributes, signal))
      } catch (error) {
        // Another writer created or changed the object.
        if (!isPresent(error) || attempt === APPEND_ATTEMPTS) throw error
      }
    }
  }

  async #appendTo(
    found: ObjectAttributes,
    data: Uint8Array,
    attributes: NewAttributes,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket } = this.#config
    const folder = dirname(found.name)
    const part = `${folder === '.' ? '' : `${folder}/`}${formatUuidV4(this.#resources.host.randomBytes(16))}.tmp`
    await this.#put(part, data, attributes, signal)
    try {
      await this.#client.append(found, part, attributes, signal)
    } finally {
      await this.#client.delete(bucket, part).catch((error: unknown) => {
        this.#resources.log.error(`Failed to delete the temporary object '${part}': ${messageOf(error)}`)
      })
    }
  }
}
