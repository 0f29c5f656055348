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
  type Message,
  type Output,
  type Resources,
  withDeadline,
} from '../../engine/index.ts'
import { type Checksum, S3Client } from './s3-client.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  bucket: field.interpolated('The bucket.'),
  path: field
    .interpolated('The key of the object that a message is stored as.')
    .default('${!count("files")}-${!timestamp_unix_nano()}.txt')
    .examples(
      '${!count("files")}-${!timestamp_unix_nano()}.txt',
      '${!metadata("kafka_key")}.json',
      '${!json("doc.namespace")}/${!json("doc.id")}.json',
    ),
  tags: field
    .interpolated('Tags of the object.')
    .map()
    .default({})
    .examples({ Key1: 'Value1', Timestamp: '${!metadata("Timestamp")}' }),
  content_type: field.interpolated('The content type.').default('application/octet-stream'),
  content_encoding: field.interpolated('The content encoding.').default('').advanced(),
  cache_control: field.interpolated('The Cache-Control header of the object.').default('').advanced(),
  content_disposition: field.interpolated('The content disposition.').default('').advanced(),
  content_language: field.interpolated('The content language.').default('').advanced(),
  website_redirect_location: field
    .interpolated('The URL that requests for the object are redirected to, if the bucket is served as a website.')
    .default('')
    .advanced(),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata is stored with the object.',
    )
    .optional(),
  storage_class: field
    .interpolated('The storage class.')
    .options({
      STANDARD: '',
      REDUCED_REDUNDANCY: '',
      GLACIER: '',
      STANDARD_IA: '',
      ONEZONE_IA: '',
      INTELLIGENT_TIERING: '',
      DEEP_ARCHIVE: '',
    })
    .default('STANDARD')
    .advanced(),
  kms_key_id: field
    .string('The id of the KMS key that encrypts the object; `server_side_encryption` then defaults to `aws:kms`.')
    .default('')
    .advanced(),
  server_side_encryption: field.string('The server-side encryption of the object.').default('').advanced(),
  checksum_algorithm: field
    .string('A checksum of the object that S3 verifies and stores.')
    .options({ CRC32: '', CRC32C: '', SHA1: '', SHA256: '' })
    .default('')
    .advanced(),
  force_path_style_urls: field
    .bool(
      'Whether the bucket is part of the URL path rather than of the host name, as many servers other than AWS require.',
    )
    .default(false)
    .advanced(),
  max_in_flight: maxInFlightField(64),
  timeout: field.duration('How long the upload of one object may take.').default('5s').advanced(),
  batching: batchingField,
  ...sessionFields,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'aws_s3',
  categories: ['Services', 'AWS'],
  summary: 'Stores messages as objects in an Amazon S3 bucket, or on any server that speaks its protocol.',
  description: `Each message becomes an object; those of a batch are written one after another. Interpolations are evaluated per message. Objects above 64 MiB are uploaded in parts.

To write one object per batch, archive the batch. The \`archive\` processor keeps the metadata of the first message, so where \`path\` depends on metadata, separate the messages with \`group_by_value\` first. The metadata of messages is stored with the objects.

${credentialsHelp}`,
  config,
  needs: ['network'],
  examples: [
    {
      title: 'One archive per batch',
      config: `output:
  aws_s3:
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
    {
      title: 'MinIO and similar servers',
      config: `output:
  aws_s3:
    bucket: mybucket
    path: events/\${!timestamp_unix_nano()}.json
    endpoint: http://localhost:9000
    force_path_style_urls: true
    region: us-east-1
    credentials:
      id: minioadmin
      secret: minioadmin
`,
    },
  ],
  create: (options, resources) => new S3Output(options, resources),
})

class S3Output implements Output {
  readonly #config: Config
  readonly #client: S3Client
  readonly #tags: readonly (readonly [string, Interpolation])[]
  readonly #excluded: readonly string[]
  readonly #fixed: Readonly<Record<string, string>>

  constructor(options: Config, resources: Resources) {
    this.#config = options
    const session = new AwsSession(options, resources)
    this.#client = new S3Client(session, { pathStyle: options.force_path_style_urls }, resources)
    this.#tags = Object.entries(options.tags).toSorted(([left], [right]) => (left < right ? -1 : 1))
    this.#excluded = options.metadata?.exclude_prefixes ?? []
    this.#fixed = encryptionHeaders(options)
  }

  async connect(): Promise<void> {
    // So that the first upload does not spend its time on credentials. Without them it is each message that is refused, as in
    // the original: `fallback` gets it.
    await this.#client.prepare().catch(() => undefined)
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    // As in the original, the timeout applies to the whole batch.
    await withDeadline('the upload', this.#config.timeout, signal, own =>
      deliverEachOf(batch, (_, index) => this.#put(batch, index, own)),
    )
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  async #put(batch: Batch, index: number, signal: AbortSignal): Promise<void> {
    const { bucket, path, checksum_algorithm: checksum } = this.#config
    const text = (name: string, interpolation: Interpolation) => evaluated(name, () => interpolation.eval(batch, index))
    const message = batch[index]!
    const headers = this.#headersOf(message, text)
    const key = text('key', path)
    await this.#client.put(text('bucket', bucket), key, message.bytes(), headers, {
      checksum: checksum === '' ? undefined : (checksum as Checksum), // restricted by the field's options
      signal,
    })
  }

  #headersOf(
    message: Message,
    text: (name: string, interpolation: Interpolation) => string,
  ): Readonly<Record<string, string>> {
    const own = this.#config
    const headers: Record<string, string> = {}
    const set = (header: string, name: string, interpolation: Interpolation) => {
      const value = text(name, interpolation)
      if (value !== '') headers[header] = value
    }
    for (const [key, value] of message.metadata) {
      if (this.#excluded.some(prefix => key.startsWith(prefix))) continue
      headers[`x-amz-meta-${key.toLowerCase()}`] = textOfMetadata(value)
    }
    set('content-encoding', 'content encoding', own.content_encoding)
    set('cache-control', 'cache control', own.cache_control)
    set('content-disposition', 'content disposition', own.content_disposition)
    set('content-language', 'content language', own.content_language)
    set('x-amz-website-redirect-location', 'website redirect location', own.website_redirect_location)
    set('content-type', 'content type', own.content_type)
    set('x-amz-storage-class', 'storage class', own.storage_class)
    if (this.#tags.length > 0) {
      const pairs = this.#tags.map(([key, value]) => `${escaped(key)}=${escaped(text(`tag ${key}`, value))}`)
      headers['x-amz-tagging'] = pairs.join('&')
    }
    return Object.assign(headers, this.#fixed)
  }
}

function encryptionHeaders({ kms_key_id: key, server_side_encryption: chosen }: Config): Record<string, string> {
  const algorithm = chosen || (key === '' ? '' : 'aws:kms')
  return {
    ...(algorithm !== '' && { 'x-amz-server-side-encryption': algorithm }),
    ...(key !== '' && { 'x-amz-server-side-encryption-aws-kms-key-id': key }),
  }
}

/** Encodes like a URL query. */
function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', '+')
}
