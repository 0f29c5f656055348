import { codeOf, messageOf } from '../../base/index.ts'
import { parseJson, type Value } from '../../bloblang/index.ts'
import type { Message as Notification, SQSClient } from '@aws-sdk/client-sqs'
import {
  type ByteSource,
  codecFields,
  ConfigError,
  defineInput,
  field,
  type Infer,
  ObjectInput,
  type ObjectSource,
  type ObjectTarget,
  openScanner,
  parseDuration,
  pause,
  type Resources,
  ResumedSource,
} from '../../engine/index.ts'
import { valuesAt } from './paths.ts'
import { isTransient, type ListedObject, S3Client } from './s3-client.ts'
import { metadataOf, wholeSource } from './s3-source.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  bucket: field
    .string('The bucket; with `sqs.url` it is used only for notifications that do not name one.')
    .default(''),
  prefix: field.string('The prefix of the keys of the objects to read.').default(''),
  ...sessionFields,
  force_path_style_urls: field
    .bool(
      'Whether the bucket is part of the URL path rather than of the host name, as many servers other than AWS require.',
    )
    .default(false)
    .advanced(),
  delete_objects: field
    .bool('Whether an object is deleted once all of its messages have been delivered.')
    .default(false)
    .advanced(),
  ...codecFields,
  scanner: field.scanner('How an object is split into messages.').default({ to_the_end: {} }),
  sqs: field
    .object(
      {
        url: field.string('The URL of the queue.').default(''),
        endpoint: field.string('An alternative endpoint for SQS.').default('').advanced(),
        key_path: field.string('The path of the keys in a notification.').default('Records.*.s3.object.key'),
        bucket_path: field
          .string('The path of the bucket names in a notification.')
          .default('Records.*.s3.bucket.name'),
        envelope_path: field
          .string(
            'The path of the notification, as a string, in a queue message; needed when the notification passes through an SNS topic.',
          )
          .default('')
          .examples('Message'),
        delay_period: field
          .string('How long after a notification was sent its object is read.')
          .default('')
          .examples('10s', '5m')
          .advanced(),
        max_messages: field.int('The maximum number of notifications per request.').default(10).advanced(),
        wait_time_seconds: field
          .int('How long a request may wait for a notification, in seconds: 0 to 20.')
          .default(0)
          .advanced(),
      },
      'A queue of notifications about new objects, which are read instead of the existing ones.',
    )
    .optional(),
})

type Config = Infer<typeof config>
type SqsConfig = NonNullable<Config['sqs']>

const queueOf = ({ sqs }: { readonly sqs?: { readonly url?: string } | undefined }) => sqs?.url ?? ''

export default defineInput({
  name: 'aws_s3',
  categories: ['Services', 'AWS'],
  summary: 'Reads the objects of an S3 bucket: the existing ones, or new ones announced through an SQS queue.',
  description: `Without \`sqs.url\`, the objects under \`prefix\` are read in key order, and then the input ends. With it, objects are read as notifications name them. A notification is deleted from the queue when all messages of its objects have been delivered, and is received again if one was rejected, or once the queue's visibility timeout has passed.

Metadata of each message: \`s3_key\`, \`s3_bucket\`, \`s3_last_modified_unix\`, \`s3_last_modified\` (RFC 3339), \`s3_content_type\`, \`s3_content_encoding\`, \`s3_version_id\`, and the object's own metadata with lower-case names.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-sqs'],
  replays: options => queueOf(options) === '',
  examples: [
    {
      title: 'MinIO and similar servers',
      config: `input:
  aws_s3:
    bucket: mybucket
    prefix: events/
    endpoint: http://localhost:9000
    force_path_style_urls: true
    region: us-east-1
    credentials:
      id: minioadmin
      secret: minioadmin
    scanner:
      lines: {}
`,
    },
  ],
  create: async (options, resources) =>
    new ObjectInput(new S3Objects(options, resources), await openScanner(options, resources), resources.log),
})

/** An object to read. */
interface Target extends ObjectTarget {
  readonly bucket: string
  /** When its notification was sent, in milliseconds since 1970; 0 if there was none. */
  readonly notifiedAt: number
}

/** A source of objects to read. */
interface Targets {
  /** The next object; null at the end, or when the signal aborts. */
  next(signal: AbortSignal): Promise<Target | null>
  close(): Promise<void>
}

class S3Objects implements ObjectSource<Target> {
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: AwsSession
  readonly #client: S3Client
  readonly #delayMs: number
  #targets: Targets | null = null

  constructor(options: Config, resources: Resources) {
    const queue = queueOf(options)
    if (options.bucket === '' && queue === '') throw new ConfigError('either a bucket or an sqs.url must be specified')
    if (options.prefix !== '' && queue !== '') throw new ConfigError('cannot specify both a prefix and sqs.url')
    this.#config = options
    this.#resources = resources
    this.#delayMs = delayOf(options.sqs?.delay_period ?? '')
    this.#session = new AwsSession(options, resources)
    this.#client = new S3Client(this.#session, { pathStyle: options.force_path_style_urls }, resources)
  }

  async connect(signal: AbortSignal): Promise<void> {
    if (this.#targets !== null) return
    await this.#client.prepare()
    this.#targets =
      queueOf(this.#config) === ''
        ? await BucketTargets.open(this.#config, this.#client, signal)
        : await QueueTargets.open(this.#config, this.#session, this.#resources)
  }

  async next(signal: AbortSignal): Promise<Target | null> {
    const target = await this.#targets!.next(signal)
    if (target === null) return null
    const settled = async (error: Error | null) => {
      await target.settled(error)
      if (error === null && this.#config.delete_objects) await this.#client.delete(target.bucket, target.key)
    }
    return { ...target, settled }
  }

  async open(target: Target, signal: AbortSignal): Promise<ByteSource> {
    await this.#waitFor(target, signal)
    const { bucket, key } = target
    const small = target.isSmall === true ? await this.#readSmall(target, signal) : null
    if (small !== null) return small
    const object = await this.#client.get(bucket, key, signal)
    const { host, log } = this.#resources
    return new ResumedSource(
      {
        name: key,
        metadata: metadataOf(bucket, key, object.headers, { withLength: false }),
        body: object.body,
        reopen: position => this.#client.resume(bucket, key, { object, position, signal }),
        isTransient,
      },
      { log, random: () => host.random(), signal },
    )
  }

  /** Null if the object was replaced by a larger one after it was listed. */
  async #readSmall({ bucket, key }: Target, signal: AbortSignal): Promise<ByteSource | null> {
    try {
      const { headers, body } = await this.#client.read(bucket, key, SMALL_BYTES, signal)
      return wholeSource(key, metadataOf(bucket, key, headers, { withLength: false }), body)
    } catch (error) {
      if (codeOf(error) === 'too_large') return null
      throw error
    }
  }

  mayOpenLater(error: unknown): boolean {
    return isTransient(error)
  }

  async close(): Promise<void> {
    await this.#targets?.close()
    await this.#client.close()
  }

  /** Waits until a notification is old enough. Throws if the signal aborts first. */
  async #waitFor({ notifiedAt }: Target, signal: AbortSignal): Promise<void> {
    const leftMs = this.#delayMs - (this.#resources.clock.now() - notifiedAt)
    if (this.#delayMs === 0 || notifiedAt === 0 || leftMs <= 0 || leftMs >= this.#delayMs) return
    await pause(leftMs, signal)
    signal.throwIfAborted()
  }
}

const PAGE = 100

/** Smaller objects are read ahead, and each in one piece. */
const SMALL_BYTES = 256 * 1024

/** The objects of a bucket in key order. */
class BucketTargets implements Targets {
  readonly #config: Config
  readonly #client: S3Client
  #objects: ListedObject[]
  #after: string

  private constructor(options: Config, client: S3Client, objects: readonly ListedObject[]) {
    this.#config = options
    this.#client = client
    this.#objects = [...objects]
    this.#after = objects.at(-1)?.key ?? ''
  }

  /** Fetches the first page of the listing, so that a bucket that cannot be listed is retried. */
  static async open(options: Config, client: S3Client, signal: AbortSignal): Promise<BucketTargets> {
    const { bucket, prefix } = options
    return new BucketTargets(options, client, await client.list(bucket, { prefix, after: '', limit: PAGE }, signal))
  }

  async next(signal: AbortSignal): Promise<Target | null> {
    const { bucket, prefix } = this.#config
    if (this.#objects.length === 0 && this.#after !== '') {
      const query = { prefix, after: this.#after, limit: PAGE }
      this.#objects = [...(await this.#client.list(bucket, query, signal))]
      this.#after = this.#objects.at(-1)?.key ?? ''
    }
    const object = this.#objects.shift()
    if (object === undefined) return null
    const { key, sizeBytes } = object
    return { bucket, key, isSmall: sizeBytes < SMALL_BYTES, notifiedAt: 0, settled: () => Promise.resolve() }
  }

  async close(): Promise<void> {
    // Nothing stays open between two listing requests.
  }
}

/** Pause after an empty receive, for queues that are not long-polled. */
const EMPTY_QUEUE_PAUSE_MS = 500

/** Maximum entries of one SQS batch request. */
const BATCH_OF_SQS = 10

/** The objects named by the notifications in a queue. */
class QueueTargets implements Targets {
  readonly #config: Config
  readonly #sqs: SqsConfig
  readonly #client: SQSClient
  readonly #library: typeof import('@aws-sdk/client-sqs')
  readonly #resources: Resources
  #pending: Target[] = []

  private constructor(
    options: Config,
    client: SQSClient,
    library: typeof import('@aws-sdk/client-sqs'),
    resources: Resources,
  ) {
    this.#config = options
    this.#sqs = options.sqs!
    this.#client = client
    this.#library = library
    this.#resources = resources
  }

  static async open(options: Config, session: AwsSession, resources: Resources): Promise<QueueTargets> {
    const library = (await import('@aws-sdk/client-sqs')).default
    const endpoint = options.sqs?.endpoint ?? ''
    const client = new library.SQSClient({
      ...(await session.clientOptions('SQS')),
      ...(endpoint !== '' && { endpoint }),
      useQueueUrlAsEndpoint: endpoint === '' && options.endpoint === '',
    })
    return new QueueTargets(options, client, library, resources)
  }

  async next(signal: AbortSignal): Promise<Target | null> {
    while (this.#pending.length === 0) {
      if (signal.aborted) return null
      try {
        this.#pending = [...(await this.#receive(signal))]
      } catch (error) {
        if (signal.aborted) return null
        throw error
      }
      if (this.#pending.length === 0) await pause(EMPTY_QUEUE_PAUSE_MS, signal)
    }
    return this.#pending.shift()!
  }

  /** Makes notifications that were received but not started visible to other readers again. */
  async close(): Promise<void> {
    const reason = new Error('the stream ended')
    try {
      for (const target of this.#pending) await target.settled(reason)
    } finally {
      this.#client.destroy()
    }
  }

  async #receive(signal: AbortSignal): Promise<readonly Target[]> {
    const { url, max_messages: limit, wait_time_seconds: waitSeconds } = this.#sqs
    const { Messages = [] } = await this.#client.send(
      new this.#library.ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: limit,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
      { abortSignal: signal },
    )
    const targets: Target[] = []
    const useless: Notification[] = []
    for (const notification of Messages) {
      try {
        const objects = this.#objectsOf(notification.Body)
        if (objects.length === 0) {
          this.#resources.log.debug('Extracted zero target keys from SQS message')
          useless.push(notification)
        }
        targets.push(...this.#targetsOf(notification, objects))
      } catch (error) {
        this.#resources.log.error(`SQS extract key error: ${messageOf(error)}`)
        useless.push(notification)
      }
    }
    await this.#putBack(useless)
    return targets
  }

  #objectsOf(body: string | undefined): readonly { readonly bucket: string; readonly key: string }[] {
    if (body === undefined) throw new Error('received an empty SQS message')
    const { envelope_path: envelope, key_path: keyPath, bucket_path: bucketPath } = this.#sqs
    let document = parsed(body, 'SQS message')
    if (envelope !== '') {
      const [inner] = valuesAt(document, envelope)
      if (typeof inner !== 'string') throw new Error(`expected string at envelope path, found ${typeof inner}`)
      document = parsed(inner, 'enveloped message')
    }
    const keys = valuesAt(document, keyPath).filter(value => typeof value === 'string')
    const buckets = bucketPath === '' ? [] : valuesAt(document, bucketPath).filter(value => typeof value === 'string')
    return keys.map((key, index) => {
      const bucket = buckets[index] ?? this.#config.bucket
      if (bucket === '') throw new Error('required bucket was not found in SQS message')
      return { bucket, key: decodedKey(key) }
    })
  }

  /**
   * The objects of one notification. The notification is deleted once all of them were delivered, and put back when the
   * first is rejected.
   */
  #targetsOf(
    notification: Notification,
    objects: readonly { readonly bucket: string; readonly key: string }[],
  ): readonly Target[] {
    let left = objects.length
    const settled = async (error: Error | null) => {
      if (left < 0) return
      if (error !== null) {
        left = -1
        await this.#putBack([notification])
      } else if (--left === 0) {
        await this.#client.send(
          new this.#library.DeleteMessageCommand({
            QueueUrl: this.#sqs.url,
            ReceiptHandle: notification.ReceiptHandle,
          }),
        )
      }
    }
    const notifiedAt = Number(notification.Attributes?.SentTimestamp ?? 0)
    return objects.map(object => ({ ...object, notifiedAt, settled }))
  }

  /** Makes notifications visible again. If that fails, they become visible after the visibility timeout. */
  async #putBack(notifications: readonly Notification[]): Promise<void> {
    for (let first = 0; first < notifications.length; first += BATCH_OF_SQS) {
      const some = notifications.slice(first, first + BATCH_OF_SQS)
      try {
        await this.#client.send(
          new this.#library.ChangeMessageVisibilityBatchCommand({
            QueueUrl: this.#sqs.url,
            Entries: some.map(({ ReceiptHandle }, index) => ({
              Id: String(index),
              ReceiptHandle,
              VisibilityTimeout: 0,
            })),
          }),
        )
      } catch (error) {
        this.#resources.log.warn(`Failed to put SQS notifications back: ${messageOf(error)}`)
      }
    }
  }
}

function parsed(text: string, what: string): Value {
  try {
    return parseJson(text)
  } catch (cause) {
    throw new Error(`failed to parse ${what}: ${messageOf(cause)}`, { cause })
  }
}

/** Keys in notifications are encoded like a URL query. */
function decodedKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch (cause) {
    throw new Error(`failed to parse key from SQS message: ${key}`, { cause })
  }
}

function delayOf(period: string): number {
  if (period === '') return 0
  try {
    return parseDuration(period)
  } catch (cause) {
    throw new ConfigError(`failed to parse grace period: ${messageOf(cause)}`, { cause })
  }
}
