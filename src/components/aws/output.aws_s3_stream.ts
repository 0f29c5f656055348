import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import {
  backoffField,
  backoffOf,
  type Batch,
  batchingField,
  defineOutput,
  deliverEachOf,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Output,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { S3Client } from './s3-client.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  bucket: field.string('The bucket.'),
  path: field
    .interpolated('The key of an object.')
    .examples(
      'logs/${! timestamp_unix() }-${! uuid_v4() }.log',
      'data/date=${! meta("date") }/account=${! meta("account") }/${! uuid_v4() }.json',
    ),
  partition_by: field
    .interpolated(
      'Which messages share an object. `path` is evaluated for the first of them only. By default messages with the same path share one.',
    )
    .list()
    .optional()
    .advanced()
    .examples(['${! meta("date") }', '${! meta("account") }']),
  force_path_style_urls: field
    .bool('Whether the bucket is part of the URL path rather than of the host name.')
    .default(false)
    .advanced(),
  max_buffer_bytes: field.int('The number of bytes that complete a part.').default(10_485_760).advanced(),
  max_buffer_count: field
    .int('The number of messages that complete a part, provided it has at least 5 MiB.')
    .default(10_000)
    .advanced(),
  max_buffer_period: field
    .duration('The age at which a part is complete, provided it has at least 5 MiB.')
    .default('10s')
    .advanced(),
  content_type: field
    .interpolated('The content type, evaluated for the first message of an object.')
    .default('application/octet-stream')
    .advanced(),
  content_encoding: field
    .interpolated('The content encoding, evaluated for the first message of an object.')
    .optional()
    .advanced()
    .examples('gzip'),
  max_retries: field.int('How often a failed part is retried.').default(2).advanced(),
  backoff: backoffField('The intervals between attempts to send a part.'),
  ...sessionFields,
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'aws_s3_stream',
  status: 'experimental',
  categories: ['Services', 'AWS'],
  version: '1.16.0',
  summary: 'Streams messages into large objects of an S3 bucket, part by part.',
  description: `Messages are appended to their object in memory and sent as parts of a multipart upload. Objects are completed, and become visible, when the stream ends: the output is meant for inputs that end, such as \`file\`, or an input within \`read_until\`.

**A message is acknowledged when it is in memory or sent as a part, before its object is complete.** What is in memory is lost if the process is killed, and the parts of the unfinished upload stay in the bucket without forming an object. Use \`aws_s3\` where no message may be lost.

S3 accepts a part smaller than 5 MiB only as the last one of an object, so smaller parts wait for more data regardless of \`max_buffer_count\` and \`max_buffer_period\`. A message whose part cannot be sent is rejected and left out of the object. If an object cannot be completed at the end, the error in the log names its upload, whose parts remain.

${credentialsHelp}`,
  config,
  needs: ['network'],
  examples: [
    {
      title: 'Logs by date and service',
      config: `output:
  aws_s3_stream:
    bucket: logs
    path: 'date=\${! meta("date") }/service=\${! meta("service") }/\${! uuid_v4() }.log'
    partition_by:
      - \${! meta("date") }
      - \${! meta("service") }
`,
    },
  ],
  create: (options, resources) => new S3StreamOutput(options, resources),
})

class S3StreamOutput implements Output {
  readonly #config: Config
  readonly #resources: Resources
  readonly #client: S3Client
  /** Keyed by partition. */
  readonly #objects = new Map<string, GrowingObject>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    const session = new AwsSession(options, resources)
    this.#client = new S3Client(session, { pathStyle: options.force_path_style_urls }, resources)
  }

  async connect(): Promise<void> {
    await this.#client.prepare()
    const periodMs = this.#config.max_buffer_period ?? 10_000
    this.#timer ??= setInterval(() => {
      for (const object of this.#objects.values()) object.flushOld(periodMs)
    }, periodMs)
  }

  async write(batch: Batch): Promise<void> {
    await deliverEachOf(batch, (message, index) => this.#objectOf(batch, index).append(message.bytes()))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const object of this.#objects.values()) {
      try {
        await object.complete()
      } catch (error) {
        this.#resources.log.error(`Failed to complete ${object.description}: ${messageOf(error)}`)
      }
    }
    await this.#client.close()
  }

  #objectOf(batch: Batch, index: number): GrowingObject {
    const { partition_by: parts = [], path } = this.#config
    const values = parts.map((part, at) => evaluated(`partition_by[${at}]`, () => part.eval(batch, index)))
    const newPath = () => evaluated('path', () => path.eval(batch, index))
    const partition = parts.length > 0 ? JSON.stringify(values) : newPath()
    let object = this.#objects.get(partition)
    if (object === undefined) {
      const { content_type: type, content_encoding: encoding } = this.#config
      const headers: Record<string, string> = {}
      headers['content-type'] = evaluated('content type', () => type.eval(batch, index)) || 'application/octet-stream'
      const encoded = encoding === undefined ? '' : evaluated('content encoding', () => encoding.eval(batch, index))
      if (encoded !== '') headers['content-encoding'] = encoded
      const key = parts.length > 0 ? newPath() : partition
      object = new GrowingObject(this.#config, key, headers, this.#client, this.#resources)
      this.#objects.set(partition, object)
    }
    return object
  }
}

/** The minimum size of every part except the last. */
const MIN_PART_BYTES = 5 * 1024 * 1024

/** An object being written. Its parts are sent one at a time. */
class GrowingObject {
  readonly #config: Config
  readonly #key: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #client: S3Client
  readonly #resources: Resources
  readonly #parts: string[] = []
  #uploadId: string | undefined
  #buffer: Uint8Array[] = []
  #bufferBytes = 0
  #partBeganAt: number
  /** Settles once everything requested so far is done; never rejects. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(
    options: Config,
    key: string,
    headers: Readonly<Record<string, string>>,
    client: S3Client,
    resources: Resources,
  ) {
    this.#config = options
    this.#key = key
    this.#headers = headers
    this.#client = client
    this.#resources = resources
    this.#partBeganAt = resources.clock.monotonic()
  }

  /** For log lines. */
  get description(): string {
    return `object '${this.#key}'${this.#uploadId === undefined ? '' : ` (upload ${this.#uploadId})`}`
  }

  /** Appends bytes, and sends a part if one is complete. If sending fails the bytes are not appended. */
  append(bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      this.#buffer.push(bytes)
      this.#bufferBytes += bytes.length
      const { max_buffer_bytes: maxBytes, max_buffer_count: maxCount } = this.#config
      const isFull = this.#bufferBytes >= maxBytes || this.#buffer.length >= maxCount
      if (!isFull || this.#bufferBytes < MIN_PART_BYTES) return
      try {
        await this.#sendPart()
      } catch (error) {
        this.#buffer.pop()
        this.#bufferBytes -= bytes.length
        throw error
      }
    })
  }

  /** Sends a part that has waited longer than `periodMs`, if it is large enough. */
  flushOld(periodMs: number): void {
    const isOld = () => this.#resources.clock.monotonic() - this.#partBeganAt >= periodMs
    this.#inTurn(async () => {
      if (isOld() && this.#bufferBytes >= MIN_PART_BYTES) await this.#sendPart()
    }).catch((error: unknown) => {
      // The part is kept, and sent with the next message or at the end.
      this.#resources.log.warn(`Failed to send a part of ${this.description}: ${messageOf(error)}`)
    })
  }

  /** Sends the rest and makes the object visible. */
  complete(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#bufferBytes > 0 || this.#parts.length === 0) await this.#sendPart()
      await this.#repeated(() => this.#client.completeUpload(this.#upload(), this.#parts))
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #sendPart(): Promise<void> {
    const { bucket } = this.#config
    await this.#repeated(async () => {
      this.#uploadId ??= await this.#client.createUpload(bucket, this.#key, this.#headers)
      const body = this.#buffer.length === 1 ? this.#buffer[0]! : Buffer.concat(this.#buffer, this.#bufferBytes)
      this.#parts.push(await this.#client.uploadPart(this.#upload(), this.#parts.length + 1, body))
    })
    this.#buffer = []
    this.#bufferBytes = 0
    this.#partBeganAt = this.#resources.clock.monotonic()
  }

  #upload(): { readonly bucket: string; readonly key: string; readonly id: string } {
    return { bucket: this.#config.bucket, key: this.#key, id: this.#uploadId! }
  }

  async #repeated(attempt: () => Promise<void>): Promise<void> {
    const backoff = backoffOf(this.#config.backoff, this.#resources)
    for (let retry = 0; ; retry++) {
      try {
        return await attempt()
      } catch (error) {
        const pauseMs = retry < this.#config.max_retries ? backoff.next() : undefined
        if (pauseMs === undefined) throw error
        // Not `resources.wait`, because the last parts are sent after the stream has ended.
        await pause(pauseMs)
      }
    }
  }
}
