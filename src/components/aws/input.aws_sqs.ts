import type { Message as QueueMessage, SQSClient } from '@aws-sdk/client-sqs'
import { messageOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  addressOfUrl,
  Backoff,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

const config = awsConfig({
  url: field.string('The URL of the queue.').needs('network', value => addressOfUrl(value)),
  delete_message: field
    .bool('Whether a message is deleted from the queue once it has been delivered.')
    .default(true)
    .advanced(),
  reset_visibility: field
    .bool('Whether a rejected message becomes visible again immediately rather than after the visibility timeout.')
    .default(true)
    .advanced(),
  update_visibility: field
    .bool('Whether messages in flight are kept hidden beyond the visibility timeout of the queue.')
    .default(true)
    .advanced()
    .since('1.6.0'),
  max_number_of_messages: field.int('The maximum number of messages per request: 1 to 10.').default(10).advanced(),
  wait_time_seconds: field.int('How long a request may wait for a message, in seconds: 0 to 20.').default(0).advanced(),
  custom_request_headers: field.string('Headers added to every request.').map().default({}).advanced().since('1.6.0'),
  ...sessionFields,
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'aws_sqs',
  categories: ['Services', 'AWS'],
  summary: 'Reads messages from an SQS queue.',
  description: `A message is deleted once it has been delivered. One that was rejected, or was in flight when the stream stopped, becomes visible to the readers of the queue again immediately.

Without \`wait_time_seconds\` an empty queue is polled less and less often, down to once a minute.

Metadata of each message: \`sqs_message_id\`, \`sqs_receipt_handle\`, the attributes of SQS (\`sqs_approximate_receive_count\`, \`sqs_sent_timestamp\`, \`sqs_message_group_id\` and others), and the message's own attributes by name.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@aws-sdk/client-sqs'],
  create: (options, resources) => new SqsInput(options, resources),
})

/** How long messages in flight stay hidden, and how often each of them is extended. */
const VISIBILITY_SECONDS = 30
const RENEW_EVERY_MS = 10_000
const TICK_MS = 1000

/** Maximum entries of one batch request. */
const MAX_ENTRIES = 10

/** A message in flight. */
interface Handle {
  readonly id: string
  readonly receipt: string
  renewAt: number
}

class SqsInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #session: AwsSession
  readonly #backoff: Backoff
  readonly #underWay = new Set<Handle>()
  readonly #deletions: Collector<Handle>
  readonly #resets: Collector<Handle>
  #library: typeof import('@aws-sdk/client-sqs') | undefined
  #client: SQSClient | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#session = new AwsSession(options, resources)
    const { host, log } = resources
    this.#backoff = new Backoff({ initialMs: 10, maxMs: 60_000 }, () => host.random())
    this.#deletions = new Collector(handles => this.#delete(handles))
    this.#resets = new Collector(handles =>
      this.#setVisibility(handles, 0).catch((error: unknown) =>
        log.error(`Failed to reset the visibility timeout of messages: ${messageOf(error)}`),
      ),
    )
  }

  async connect(): Promise<void> {
    if (this.#client !== undefined) return
    this.#library = (await import('@aws-sdk/client-sqs')).default
    const options = await this.#session.clientOptions('SQS')
    const client = new this.#library.SQSClient({ ...options, useQueueUrlAsEndpoint: options.endpoint === undefined })
    const headers = this.#config.custom_request_headers
    client.middlewareStack.add(
      next => args => {
        // the SDK's HTTP request, in the build step
        const { request } = args as { readonly request: { readonly headers: Record<string, string> } }
        Object.assign(request.headers, headers)
        return next(args)
      },
      { step: 'build' },
    )
    this.#client = client
    if (this.#config.update_visibility) this.#timer = setInterval(() => void this.#renew(), TICK_MS)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const { url, max_number_of_messages: limit, wait_time_seconds: waitSeconds } = this.#config
    const { ReceiveMessageCommand } = this.#library!
    for (;;) {
      if (signal.aborted) return null
      const request = new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: limit,
        WaitTimeSeconds: waitSeconds,
        // Emulators only know the older name; AWS knows both.
        AttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      })
      let received: readonly QueueMessage[]
      try {
        received = (await this.#client!.send(request, { abortSignal: signal })).Messages ?? []
      } catch (error) {
        if (signal.aborted) return null
        throw new Error(`Failed to pull new SQS messages: ${messageOf(error)}`, { cause: error })
      }
      if (received.length > 0 || waitSeconds > 0) this.#backoff.reset()
      if (received.length > 0) return this.#delivery(received)
      await pause(this.#backoff.next() ?? 0, signal)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#deletions.flushed()
    await this.#resets.flushed()
    this.#client?.destroy()
  }

  #delivery(received: readonly QueueMessage[]): Delivery {
    const handles = new Map<Message, Handle>()
    for (const each of received) {
      const message = Message.fromText(each.Body ?? '', metadataOf(each))
      const renewAt = this.#resources.clock.monotonic() + TICK_MS
      const handle = { id: each.MessageId ?? '', receipt: each.ReceiptHandle ?? '', renewAt }
      handles.set(message, handle)
      this.#underWay.add(handle)
    }
    return deliverEach([...handles.keys()], async (messages, error) => {
      const settled = messages.map(message => handles.get(message)!)
      for (const handle of settled) this.#underWay.delete(handle)
      // Messages that the end of the stream left unfinished are put back too, since they would stay hidden until the
      // timeout.
      if (error === null) await (this.#config.delete_message ? this.#deletions.add(settled) : undefined)
      else if (this.#config.reset_visibility) await this.#resets.add(settled)
    })
  }

  /** Messages whose deletion fails are received again; the guarantee is at-least-once. */
  async #delete(handles: readonly Handle[]): Promise<void> {
    const { log } = this.#resources
    try {
      const { Failed = [] } = await this.#client!.send(
        new this.#library!.DeleteMessageBatchCommand({
          QueueUrl: this.#config.url,
          Entries: handles.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt })),
        }),
      )
      for (const { Id, Code } of Failed) {
        log.error(`Failed to delete consumed SQS message '${handles[Number(Id)]?.id}', response code: ${Code}`)
      }
    } catch (error) {
      log.error(`Failed to delete messages: ${messageOf(error)}`)
    }
  }

  /** Extends the visibility timeout of the messages in flight. */
  async #renew(): Promise<void> {
    const now = this.#resources.clock.monotonic()
    const due = [...this.#underWay].filter(({ renewAt }) => renewAt <= now)
    for (const handle of due) handle.renewAt = now + RENEW_EVERY_MS
    try {
      for (let first = 0; first < due.length; first += MAX_ENTRIES) {
        await this.#setVisibility(due.slice(first, first + MAX_ENTRIES), VISIBILITY_SECONDS)
      }
    } catch (error) {
      this.#resources.log.warn(`Failed to update messages visibility timeout: ${messageOf(error)}`)
    }
  }

  async #setVisibility(handles: readonly Handle[], seconds: number): Promise<void> {
    const { Failed = [] } = await this.#client!.send(
      new this.#library!.ChangeMessageVisibilityBatchCommand({
        QueueUrl: this.#config.url,
        Entries: handles.map(({ receipt }, index) => ({
          Id: String(index),
          ReceiptHandle: receipt,
          VisibilityTimeout: seconds,
        })),
      }),
    )
    for (const { Id, Code } of Failed) {
      const { id } = handles[Number(Id)] ?? { id: '' }
      this.#resources.log.debug(`Failed to update consumed SQS message '${id}' visibility, response code: ${Code}`)
    }
  }
}

/** Collects items while a request is in flight, to send them together in the next one. */
class Collector<T> {
  readonly #send: (items: readonly T[]) => Promise<void>
  #items: T[] = []
  #sending: Promise<void> | null = null

  /** `send` must not reject. */
  constructor(send: (items: readonly T[]) => Promise<void>) {
    this.#send = send
  }

  /** Resolves once these items were sent. */
  async add(items: readonly T[]): Promise<void> {
    this.#items.push(...items)
    await this.flushed()
  }

  /** Resolves once everything was sent. */
  flushed(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null))
    return this.#sending
  }

  async #sendAll(): Promise<void> {
    // Items settled in the same turn of the event loop are sent together.
    await Promise.resolve()
    while (this.#items.length > 0) await this.#send(this.#items.splice(0, MAX_ENTRIES))
  }
}

function metadataOf({ MessageId, ReceiptHandle, Attributes = {}, MessageAttributes = {} }: QueueMessage) {
  const metadata = new Map<string, Value>([
    ['sqs_message_id', MessageId ?? ''],
    ['sqs_receipt_handle', ReceiptHandle ?? ''],
  ])
  for (const [name, value] of Object.entries(Attributes)) metadata.set(`sqs_${snakeCase(name)}`, value ?? '')
  for (const [name, { StringValue, BinaryValue }] of Object.entries(MessageAttributes)) {
    if (StringValue !== undefined) metadata.set(name, StringValue)
    else if (BinaryValue !== undefined) metadata.set(name, Buffer.from(BinaryValue).toString('utf8'))
  }
  return metadata
}

/** `AWSTraceHeader` → `aws_trace_header`. */
function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}
