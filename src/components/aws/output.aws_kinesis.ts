import type { KinesisClient, PutRecordsRequestEntry } from '@aws-sdk/client-kinesis'
import {
  type Batch,
  batchingField,
  defineOutput,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Resources,
} from '../../engine/index.ts'
import { BulkOutput, type BulkService, type Outcome } from './bulk-output.ts'
import { isThrottling, retryFieldsOf } from './retries.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  stream: field
    .string('The stream, by name or ARN.')
    .examples('foo', 'arn:aws:kinesis:*:111122223333:stream/my-stream'),
  partition_key: field.interpolated('The partition key, which determines the shard of a message.'),
  hash_key: field
    .interpolated('An explicit hash key, which overrides the hash of the partition key.')
    .optional()
    .advanced(),
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
  ...sessionFields,
  ...retryFieldsOf(0),
})

type Config = Infer<typeof config>

const MEBIBYTE = 1024 * 1024

export default defineOutput({
  name: 'aws_kinesis',
  categories: ['Services', 'AWS'],
  summary: 'Writes messages to a Kinesis stream.',
  description: `Up to 500 messages, or 5 MiB, are sent per request, even without \`batching\`. Throttled messages are resent; each message that Kinesis rejects fails on its own. A message may have at most 1 MiB.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-kinesis'],
  create: (options, resources) => new BulkOutput(new KinesisService(options, resources), options, resources),
})

class KinesisService implements BulkService<PutRecordsRequestEntry> {
  readonly maxCount = 500
  readonly maxBytes = 5 * MEBIBYTE
  readonly #config: Config
  readonly #session: AwsSession
  #library: typeof import('@aws-sdk/client-kinesis') | undefined
  #client: KinesisClient | undefined
  #streamArn = ''

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#session = new AwsSession(options, resources)
  }

  async connect(): Promise<void> {
    if (this.#streamArn !== '') return
    this.#library = (await import('@aws-sdk/client-kinesis')).default
    this.#client ??= new this.#library.KinesisClient(await this.#session.clientOptions('KINESIS'))
    const { stream } = this.#config
    const named = stream.startsWith('arn:') ? { StreamARN: stream } : { StreamName: stream }
    const { StreamDescriptionSummary } = await this.#client.send(new this.#library.DescribeStreamSummaryCommand(named))
    this.#streamArn = StreamDescriptionSummary?.StreamARN ?? stream
  }

  entryOf(batch: Batch, index: number): PutRecordsRequestEntry {
    const { partition_key: partition, hash_key: hash } = this.#config
    const bytes = batch[index]!.bytes()
    const key = evaluated('partition key', () => partition.eval(batch, index))
    if (bytes.length > MEBIBYTE) {
      throw new Error(`batch message ${index} exceeds the maximum Kinesis payload limit of 1 MiB`)
    }
    const hashKey = hash === undefined ? '' : evaluated('hash key', () => hash.eval(batch, index))
    return { Data: bytes, PartitionKey: key, ...(hashKey !== '' && { ExplicitHashKey: hashKey }) }
  }

  sizeOf({ Data, PartitionKey = '' }: PutRecordsRequestEntry): number {
    return (Data?.length ?? 0) + Buffer.byteLength(PartitionKey)
  }

  async send(entries: readonly PutRecordsRequestEntry[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { Records = [] } = await this.#client!.send(
      new this.#library!.PutRecordsCommand({ StreamARN: this.#streamArn, Records: [...entries] }),
      { abortSignal: signal },
    )
    return Records.map(({ ErrorCode, ErrorMessage }) => {
      if (!ErrorCode) return null
      const error = new Error(`record failed with code [${ErrorCode}] ${ErrorMessage}`)
      return { error, isFinal: !isThrottling(ErrorCode) && ErrorCode !== 'InternalFailure' }
    })
  }

  close(): void {
    this.#client?.destroy()
  }
}
