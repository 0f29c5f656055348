import type { SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs'
import type { Interpolation } from '../../bloblang/index.ts'
import {
  addressOfUrl,
  type Batch,
  batchingField,
  defineOutput,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Resources,
} from '../../engine/index.ts'
import { attributesOf } from './attributes.ts'
import { BulkOutput, type BulkService, type Outcome } from './bulk-output.ts'
import { retryFieldsOf } from './retries.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  url: field.string('The URL of the queue.').needs('network', value => addressOfUrl(value)),
  message_group_id: field.interpolated('The message group id, for FIFO queues.').optional(),
  message_deduplication_id: field
    .interpolated('The deduplication id, by which a message that is sent again is recognised.')
    .optional(),
  delay_seconds: field.interpolated('The delay in seconds before a message becomes visible: 0 to 900.').optional(),
  max_in_flight: maxInFlightField(64),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata becomes message attributes.',
    )
    .optional(),
  batching: batchingField,
  ...sessionFields,
  ...retryFieldsOf(0),
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'aws_sqs',
  categories: ['Services', 'AWS'],
  summary: 'Sends messages to an SQS queue.',
  description: `Metadata is sent as message attributes of type String. SQS accepts at most ten, so only the alphabetically first ten are sent. Up to ten messages are sent per request, even without \`batching\`, and each one that SQS rejects fails on its own.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-sqs'],
  create: (options, resources) => new BulkOutput(new SqsService(options, resources), options, resources),
})

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>

class SqsService implements BulkService<Entry> {
  readonly maxCount = 10
  readonly maxBytes = 1024 * 1024
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: AwsSession
  readonly #excluded: readonly string[]
  #library: typeof import('@aws-sdk/client-sqs') | undefined
  #client: SQSClient | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#session = new AwsSession(options, resources)
    this.#excluded = options.metadata?.exclude_prefixes ?? []
  }

  async connect(): Promise<void> {
    if (this.#client !== undefined) return
    this.#library = (await import('@aws-sdk/client-sqs')).default
    const client = await this.#session.clientOptions('SQS')
    this.#client = new this.#library.SQSClient({ ...client, useQueueUrlAsEndpoint: client.endpoint === undefined })
  }

  entryOf(batch: Batch, index: number): Entry {
    const { message_group_id: group, message_deduplication_id: id, delay_seconds: delay } = this.#config
    const text = (name: string, interpolation: Interpolation) => evaluated(name, () => interpolation.eval(batch, index))
    const message = batch[index]!
    const attributes = attributesOf(message, this.#excluded, this.#resources, 10)
    return {
      MessageBody: message.text(),
      ...(attributes !== undefined && { MessageAttributes: attributes }),
      ...(group !== undefined && { MessageGroupId: text('group id', group) }),
      ...(id !== undefined && { MessageDeduplicationId: text('dedupe id', id) }),
      ...(delay !== undefined && { DelaySeconds: secondsOf(text('delay seconds', delay)) }),
    }
  }

  sizeOf({ MessageBody = '', MessageAttributes = {} }: Entry): number {
    let bytes = Buffer.byteLength(MessageBody)
    for (const [name, { StringValue = '' }] of Object.entries(MessageAttributes)) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(StringValue) + 'String'.length
    }
    return bytes
  }

  async send(entries: readonly Entry[], signal: AbortSignal): Promise<readonly Outcome[]> {
    const { SendMessageBatchCommand } = this.#library!
    const { Successful = [], Failed = [] } = await this.#client!.send(
      new SendMessageBatchCommand({
        QueueUrl: this.#config.url,
        Entries: entries.map((entry, index) => ({ ...entry, Id: String(index) })),
      }),
      { abortSignal: signal },
    )
    const outcomes = Array<Outcome>(entries.length)
    for (const { Id } of Successful) outcomes[Number(Id)] = null
    for (const { Id, Code, Message, SenderFault } of Failed) {
      const error = new Error(`record failed with code: ${Code}, message: ${Message}`)
      outcomes[Number(Id)] = { error, isFinal: SenderFault === true }
    }
    return outcomes
  }

  close(): void {
    this.#client?.destroy()
  }
}

function secondsOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`delay seconds invalid input: ${JSON.stringify(text)} is not a number`)
  const seconds = Number(text)
  if (seconds < 0 || seconds > 900) throw new Error('delay seconds must be between 0 and 900')
  return seconds
}
