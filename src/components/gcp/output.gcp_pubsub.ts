import type { PubSub, Topic } from '@google-cloud/pubsub'
import { asError, messageOf } from '../../base/index.ts'
import { type Interpolation, textOfMetadata } from '../../bloblang/index.ts'
import {
  type Batch,
  batchingField,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  type Message,
  type Output,
  type Resources,
  throwFailures,
} from '../../engine/index.ts'
import { PublishLimits } from './publish-limits.ts'
import { pubsubConnector, pubsubFields } from './pubsub-client.ts'
import { credentialsHelp, gcpConfig } from './session.ts'

const config = gcpConfig({
  project: field.string('The project that owns the topics.'),
  topic: field.interpolated('The name of the topic.'),
  ...pubsubFields,
  ordering_key: field
    .interpolated(
      'The ordering key: messages with the same key are delivered in the order in which they were published.',
    )
    .optional()
    .advanced(),
  max_in_flight: maxInFlightField(64),
  count_threshold: field.int('The number of messages that are collected before publishing.').default(100),
  delay_threshold: field.duration('How long messages are collected before publishing.').default('10ms'),
  byte_threshold: field.int('The number of bytes of messages that are collected before publishing.').default(1_000_000),
  publish_timeout: field
    .duration('How long publishing of a message is retried before it fails.')
    .default('1m0s')
    .examples('10s', '5m', '60m')
    .advanced(),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata becomes attributes, by default all of it.',
    )
    .optional(),
  inject_tracing_map: field
    .mapping('A mapping that injects the tracing span into a message.')
    .optional()
    .advanced()
    .examples('meta = @.assign(this)'),
  flow_control: field
    .object(
      {
        max_outstanding_bytes: field
          .int('The maximum number of bytes of messages of a topic in flight; 0 or less means no limit.')
          .default(-1)
          .advanced(),
        max_outstanding_messages: field
          .int('The maximum number of messages of a topic in flight; 0 or less means no limit.')
          .default(1000)
          .advanced(),
        limit_exceeded_behavior: field
          .string('What happens to a message that exceeds a limit.')
          .options({
            ignore: 'It is published regardless.',
            block: 'It waits.',
            signal_error: 'It fails.',
          })
          .default('block')
          .advanced(),
      },
      'Limits what is in flight for each topic.',
    )
    .optional()
    .advanced(),
  batching: batchingField,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'gcp_pubsub',
  categories: ['Services', 'GCP'],
  summary: 'Publishes messages to Google Cloud Pub/Sub topics.',
  description: `Metadata is sent as attributes. Messages of all batches in flight are published together according to the thresholds, and each has its own outcome. A topic must exist. After a message with an \`ordering_key\` fails, later messages with that key are published as the stream sends them, whereas the original rejects the key until it is restarted.

${credentialsHelp}`,
  config,
  needs: ['network'],
  requires: ['@google-cloud/pubsub'],
  create: (options, resources) => new PubsubOutput(options, resources),
})

/** An existing topic and what is in flight for it. */
interface OpenTopic {
  readonly topic: Topic
  readonly limits: PublishLimits
}

/** gRPC codes after which publishing is retried: the vendor's defaults. */
const RETRIED = [1, 2, 4, 8, 10, 13, 14]

class PubsubOutput implements Output {
  readonly #config: Config
  readonly #connect: () => Promise<PubSub>
  readonly #excluded: readonly string[]
  readonly #topics = new Map<string, Promise<OpenTopic>>()
  #client: PubSub | null = null

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#connect = pubsubConnector(options, resources)
    this.#excluded = options.metadata?.exclude_prefixes ?? []
  }

  async connect(): Promise<void> {
    this.#client ??= await this.#connect()
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const outcomes = await this.#publish(batch, index => [batch, index], signal)
    const failures = new Map<Message, Error>()
    for (const [index, error] of outcomes.entries()) if (error !== null) failures.set(batch[index]!, error)
    throwFailures(batch, failures)
  }

  writeRun(run: readonly Message[], signal: AbortSignal): Promise<readonly (Error | null)[]> {
    return this.#publish(run, index => [[run[index]!], 0], signal)
  }

  async close(): Promise<void> {
    const topics = await Promise.allSettled(this.#topics.values())
    const open = topics.flatMap(result => (result.status === 'fulfilled' ? [result.value.topic] : []))
    await Promise.allSettled(open.map(topic => topic.flush()))
    await this.#client?.close()
  }

  /** Returns the outcome of each message, by index. */
  async #publish(
    messages: readonly Message[],
    placeOf: (index: number) => readonly [Batch, number],
    signal: AbortSignal,
  ): Promise<readonly (Error | null)[]> {
    const outcomes: Promise<Error | null>[] = []
    for (const [place, message] of messages.entries()) {
      const [batch, index] = placeOf(place)
      try {
        const { topic, limits } = await this.#topic(textOf('resolve topic name', this.#config.topic, batch, index))
        const key = this.#config.ordering_key
        const orderingKey = key && textOf('build ordering key', key, batch, index)
        const bytes = message.bytes()
        // Messages wait for room in turn, so that their order is kept.
        await limits.take(bytes.length, signal)
        const sending = this.#send(topic, bytes, message, orderingKey).finally(() => limits.release(bytes.length))
        outcomes.push(untilAborted(sending, signal))
      } catch (error) {
        outcomes.push(Promise.resolve(asError(error)))
      }
    }
    return Promise.all(outcomes)
  }

  /** Publishes one message; resolves to its error, or to null. */
  async #send(topic: Topic, bytes: Uint8Array, message: Message, orderingKey = ''): Promise<Error | null> {
    try {
      await topic.publishMessage({
        data: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        attributes: this.#attributesOf(message),
        ...(orderingKey !== '' && { orderingKey }),
      })
      return null
    } catch (error) {
      // The stream decides what happens to later messages; the library would reject the key from now on.
      if (orderingKey !== '') topic.resumePublishing(orderingKey)
      return asError(error)
    }
  }

  #attributesOf({ metadata }: Message): Record<string, string> {
    const attributes: Record<string, string> = {}
    for (const [key, value] of metadata) {
      if (this.#excluded.some(prefix => key.startsWith(prefix))) continue
      attributes[key] = textOfMetadata(value)
    }
    return attributes
  }

  #topic(name: string): Promise<OpenTopic> {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const opening = this.#openTopic(name).catch((error: unknown) => {
      this.#topics.delete(name)
      throw new Error(`failed to get topic: ${name}: ${messageOf(error)}`, { cause: error })
    })
    this.#topics.set(name, opening)
    return opening
  }

  async #openTopic(name: string): Promise<OpenTopic> {
    const { count_threshold, delay_threshold, byte_threshold, publish_timeout, ordering_key, flow_control } =
      this.#config
    const topic = this.#client!.topic(name, {
      batching: {
        maxMessages: Math.min(Math.max(count_threshold, 1), MAX_COUNT),
        maxMilliseconds: delay_threshold ?? 0,
        maxBytes: Math.max(byte_threshold, 1),
      },
      messageOrdering: ordering_key !== undefined,
      gaxOpts: {
        retry: {
          retryCodes: RETRIED,
          backoffSettings: {
            initialRetryDelayMillis: 100,
            retryDelayMultiplier: 1.3,
            maxRetryDelayMillis: 60_000,
            initialRpcTimeoutMillis: Math.min(publish_timeout ?? 60_000, 60_000),
            rpcTimeoutMultiplier: 1,
            maxRpcTimeoutMillis: 60_000,
            totalTimeoutMillis: publish_timeout ?? 60_000,
          },
        },
      },
    })
    let exists: boolean
    try {
      ;[exists] = await topic.exists()
    } catch (error) {
      throw new Error(`failed to validate topic '${name}': ${messageOf(error)}`, { cause: error })
    }
    if (!exists) throw new Error(`topic '${name}' does not exist`)
    return { topic, limits: new PublishLimits(flow_control) }
  }
}

function textOf(what: string, interpolation: Interpolation, batch: Batch, index: number): string {
  try {
    return interpolation.eval(batch, index)
  } catch (error) {
    throw new Error(`failed to ${what}: ${messageOf(error)}`, { cause: error })
  }
}

/** The service's limit on the messages of one request. */
const MAX_COUNT = 1000

/**
 * Resolves to the outcome of a message, or to the reason of the signal if it aborts first: the end of a stream does not
 * wait for a publication, which the library keeps attempting for as long as its client is open. Never rejects.
 */
async function untilAborted(sending: Promise<Error | null>, signal: AbortSignal): Promise<Error | null> {
  const { promise: aborted, resolve } = Promise.withResolvers<Error>()
  const abort = () => resolve(asError(signal.reason))
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const outcome = await Promise.race([sending, aborted])
  signal.removeEventListener('abort', abort)
  return outcome
}
