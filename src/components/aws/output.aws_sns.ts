import type { SNSClient } from '@aws-sdk/client-sns'
import type { Interpolation } from '../../bloblang/index.ts'
import {
  type Batch,
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
import { attributesOf } from './attributes.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  topic_arn: field.string('The ARN of the topic.'),
  message_group_id: field.interpolated('The message group id, for FIFO topics.').optional(),
  message_deduplication_id: field
    .interpolated('The deduplication id, by which a message that is sent again is recognised.')
    .optional(),
  max_in_flight: maxInFlightField(64),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata becomes message attributes.',
    )
    .optional(),
  timeout: field.duration('How long publishing one message may take.').default('5s').advanced(),
  ...sessionFields,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'aws_sns',
  categories: ['Services', 'AWS'],
  summary: 'Publishes messages to an SNS topic.',
  description: `Metadata is sent as message attributes of type String.\n\n${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-sns'],
  create: (options, resources) => new SnsOutput(options, resources),
})

class SnsOutput implements Output {
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: AwsSession
  readonly #excluded: readonly string[]
  #library: typeof import('@aws-sdk/client-sns') | undefined
  #client: SNSClient | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#session = new AwsSession(options, resources)
    this.#excluded = options.metadata?.exclude_prefixes ?? []
  }

  async connect(): Promise<void> {
    if (this.#client !== undefined) return
    this.#library = (await import('@aws-sdk/client-sns')).default
    this.#client = new this.#library.SNSClient(await this.#session.clientOptions('SNS'))
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    await deliverEachOf(batch, (_, index) =>
      withDeadline('publishing', this.#config.timeout, signal, own => this.#publish(batch, index, own)),
    )
  }

  async close(): Promise<void> {
    this.#client?.destroy()
  }

  async #publish(batch: Batch, index: number, signal: AbortSignal): Promise<void> {
    const { topic_arn: topic, message_group_id: group, message_deduplication_id: id } = this.#config
    const text = (name: string, interpolation: Interpolation) => evaluated(name, () => interpolation.eval(batch, index))
    const message = batch[index]!
    const attributes = attributesOf(message, this.#excluded, this.#resources)
    await this.#client!.send(
      new this.#library!.PublishCommand({
        TopicArn: topic,
        Message: message.text(),
        ...(attributes !== undefined && { MessageAttributes: attributes }),
        ...(group !== undefined && { MessageGroupId: text('group id', group) }),
        ...(id !== undefined && { MessageDeduplicationId: text('dedupe id', id) }),
      }),
      { abortSignal: signal },
    )
  }
}
