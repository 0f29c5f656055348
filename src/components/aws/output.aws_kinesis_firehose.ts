import type { FirehoseClient, _Record as FirehoseRecord } from '@aws-sdk/client-firehose'
import {
  type Batch,
  batchingField,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  type Resources,
} from '../../engine/index.ts'
import { BulkOutput, type BulkService, type Outcome } from './bulk-output.ts'
import { isThrottling, retryFieldsOf } from './retries.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  stream: field.string('The delivery stream.'),
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
  ...sessionFields,
  ...retryFieldsOf(0),
})

type Config = Infer<typeof config>

const MEBIBYTE = 1024 * 1024

export default defineOutput({
  name: 'aws_kinesis_firehose',
  categories: ['Services', 'AWS'],
  summary: 'Writes messages to a Firehose delivery stream.',
  description: `Up to 500 messages, or 4 MiB, are sent per request, even without \`batching\`. Throttled messages are resent; each message that Firehose rejects fails on its own. Firehose limits a message to 1000 KiB.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-firehose'],
  create: (options, resources) => new BulkOutput(new FirehoseService(options, resources), options, resources),
})

class FirehoseService implements BulkService<FirehoseRecord> {
  readonly maxCount = 500
  readonly maxBytes = 4 * MEBIBYTE
  readonly #config: Config
  readonly #session: AwsSession
  #library: typeof import('@aws-sdk/client-firehose') | undefined
  #client: FirehoseClient | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#session = new AwsSession(options, resources)
  }

  async connect(): Promise<void> {
    this.#library = (await import('@aws-sdk/client-firehose')).default
    // As in the original, the stream is looked up once. If it is missing, each message is rejected, so that `fallback`
    // receives them.
    if (this.#client !== undefined) return
    this.#client = new this.#library.FirehoseClient(await this.#session.clientOptions('FIREHOSE'))
    await this.#client.send(
      new this.#library.DescribeDeliveryStreamCommand({ DeliveryStreamName: this.#config.stream }),
    )
  }

  entryOf(batch: Batch, index: number): FirehoseRecord {
    const Data = batch[index]!.bytes()
    if (Data.length > MEBIBYTE) {
      throw new Error(`batch message ${index} exceeds the maximum Kinesis Firehose payload limit of 1 MiB`)
    }
    return { Data }
  }

  sizeOf({ Data }: FirehoseRecord): number {
    return Data?.length ?? 0
  }

  async send(entries: readonly FirehoseRecord[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { RequestResponses = [] } = await this.#client!.send(
      new this.#library!.PutRecordBatchCommand({ DeliveryStreamName: this.#config.stream, Records: [...entries] }),
      { abortSignal: signal },
    )
    return RequestResponses.map(({ ErrorCode, ErrorMessage }) => {
      if (!ErrorCode) return null
      const error = new Error(`record failed with code [${ErrorCode}] ${ErrorMessage}`)
      return { error, isFinal: !isThrottling(ErrorCode) && ErrorCode !== 'InternalFailure' }
    })
  }

  close(): void {
    this.#client?.destroy()
  }
}
