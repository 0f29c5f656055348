import { Readable } from 'node:stream'
import type { Value } from '../../bloblang/index.ts'
import {
  type ByteSource,
  defineInput,
  evaluated,
  field,
  type Infer,
  Message,
  type Metadata,
  ObjectInput,
  type ObjectSource,
  type ObjectTarget,
  type Resources,
  ResumedSource,
} from '../../engine/index.ts'
import { isTransient } from './rest-client.ts'
import { credentialsHelp, gcpConfig } from './session.ts'
import { type ObjectAttributes, StorageClient, storageFields } from './storage-client.ts'

const config = gcpConfig({
  bucket: field.string('The bucket.'),
  prefix: field
    .interpolated('The prefix of the names of the objects to read; evaluated when the input connects.')
    .default(''),
  scanner: field.scanner('How an object is split into messages.').default({ to_the_end: {} }),
  codec: field.string('Use `scanner` instead.').optional().deprecated(),
  max_buffer: field.int('Use `scanner` instead.').default(1_000_000).deprecated(),
  delete_objects: field
    .bool('Whether an object is deleted once all of its messages have been delivered.')
    .default(false)
    .advanced(),
  ...storageFields,
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'gcp_cloud_storage',
  categories: ['Services', 'GCP'],
  summary: 'Reads the objects of a Google Cloud Storage bucket.',
  description: `The objects under \`prefix\` are read in order of their names, and then the input ends. An object whose content encoding is \`gzip\` is decompressed.

If the connection is lost in the middle of an object, the input reconnects and continues where it stopped, unless the object has been replaced in the meantime. An object that cannot be read is logged as an error and skipped.

Metadata of each message: \`gcs_key\`, \`gcs_bucket\`, \`gcs_last_modified\` (RFC 3339), \`gcs_last_modified_unix\`, \`gcs_content_type\`, \`gcs_content_encoding\`, and the object's own metadata.

${credentialsHelp}`,
  config,
  needs: ['network'],
  replays: true,
  examples: [
    {
      title: 'Compressed logs',
      config: `input:
  gcp_cloud_storage:
    bucket: my-logs
    prefix: \${! now().ts_format("2006/01/02/") }
    scanner:
      decompress:
        algorithm: gzip
        into:
          lines: {}
`,
    },
  ],
  create: async (options, resources) =>
    new ObjectInput(new StorageSource(options, resources), await resources.scanner(options.scanner), resources.log),
})

const PAGE = 100

class StorageSource implements ObjectSource<ObjectTarget> {
  readonly #config: Config
  readonly #resources: Resources
  readonly #client: StorageClient
  #prefix = ''
  #names: string[] = []
  /** Token of the next page; null before the first one. */
  #next: string | null = null

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#client = new StorageClient(options, resources)
  }

  /** Fetches the first page of the listing, so that a bucket that cannot be listed is retried. */
  async connect(signal: AbortSignal): Promise<void> {
    if (this.#next !== null) return
    this.#prefix = evaluated('prefix', () => this.#config.prefix.eval([Message.fromText('')], 0))
    await this.#client.prepare()
    await this.#list('', signal)
  }

  async next(signal: AbortSignal): Promise<ObjectTarget | null> {
    // A page may be empty without being the last.
    while (this.#names.length === 0 && this.#next) await this.#list(this.#next, signal)
    const key = this.#names.shift()
    if (key === undefined) return null
    return {
      key,
      settled: async error => {
        if (error === null && this.#config.delete_objects) await this.#client.delete(this.#config.bucket, key)
      },
    }
  }

  async open({ key }: ObjectTarget, signal: AbortSignal): Promise<ByteSource> {
    const { bucket } = this.#config
    const found = await this.#client.attributes(bucket, key, signal)
    if (found === undefined) throw new Error(`the object '${key}' does not exist any more`)
    const object = { ...found, bucket, name: key }
    const { body } = await this.#client.open(object, 0, signal)
    const { host, log } = this.#resources
    return new ResumedSource(
      {
        name: key,
        metadata: metadataOf(object),
        body,
        isTransient,
        reopen: position => this.#reopen(object, position, signal),
      },
      { log, random: () => host.random(), signal },
    )
  }

  mayOpenLater(error: unknown): boolean {
    return isTransient(error)
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #reopen(object: ObjectAttributes, position: number, signal: AbortSignal): Promise<Readable | null> {
    // An object decompressed in transit has no byte positions, and is read again from its start.
    if (object.contentEncoding === 'gzip') {
      return Readable.from(behind((await this.#client.open(object, 0, signal)).body, position))
    }
    return position === object.sizeBytes ? null : (await this.#client.open(object, position, signal)).body
  }

  async #list(token: string, signal: AbortSignal): Promise<void> {
    const query = { prefix: this.#prefix, token, limit: PAGE }
    const { names, next } = await this.#client.list(this.#config.bucket, query, signal)
    this.#names = [...names]
    this.#next = next
  }
}

/** Skips the first `position` bytes of a body. */
async function* behind(body: Readable, position: number): AsyncGenerator<Uint8Array> {
  let left = position
  // HTTP bodies yield bytes, which their type does not express.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    const rest = chunk.subarray(Math.min(left, chunk.length))
    left -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}

function metadataOf({ name, bucket, updated, contentType, contentEncoding, metadata }: ObjectAttributes): Metadata {
  const updatedMs = Date.parse(updated)
  return new Map<string, Value>([
    ['gcs_key', name],
    ['gcs_bucket', bucket],
    ...(Number.isNaN(updatedMs)
      ? []
      : ([
          ['gcs_last_modified', new Date(updatedMs).toISOString().replace(/\.\d+Z$/, 'Z')],
          ['gcs_last_modified_unix', BigInt(Math.floor(updatedMs / 1000))],
        ] as const)),
    ['gcs_content_type', contentType],
    ['gcs_content_encoding', contentEncoding],
    ...Object.entries(metadata),
  ])
}
