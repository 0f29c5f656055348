import type { Value } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  codecFields,
  defineInput,
  deliverBatch,
  type Delivery,
  field,
  type HttpResponse,
  type Input,
  Message,
  openScanner,
  ScannedSource,
  type ScannerFactory,
} from '../../engine/index.ts'
import { StreamSource } from '../io/stream-source.ts'
import { HttpClient } from './client.ts'
import { clientFields, urlField, verbField } from './client-fields.ts'

export default defineInput({
  name: 'http_client',
  categories: ['Network'],
  summary: 'Polls an HTTP server, making each response a message, or reads a single endless response.',
  description:
    'The URL and the headers may refer to the previous response: `${! this.next }` follows pages. Use a rate limit to pause between requests.',
  needs: ['network'],
  config: field.object({
    url: urlField,
    verb: verbField('GET'),
    ...clientFields,
    payload: field.interpolated('The payload of each request.').optional(),
    drop_empty_bodies: field
      .bool('Whether a response without a body is dropped rather than becoming an empty message.')
      .default(true)
      .advanced(),
    stream: field
      .object({
        enabled: field.bool('Whether a response is split into messages while it is being received.').default(false),
        reconnect: field.bool('Whether the request is sent again when the response ends.').default(true),
        ...codecFields,
        scanner: field.scanner('How the response is split into messages.').default({ lines: {} }),
      })
      .optional(),
    auto_replay_nacks: autoReplayNacksField,
  }),
  examples: [
    {
      title: 'Polling once a minute',
      config: `input:
  http_client:
    url: https://example.com/status
    rate_limit: minutely
rate_limit_resources:
  - label: minutely
    local:
      count: 1
      interval: 1m
`,
    },
  ],
  async create(config, resources) {
    const client = new HttpClient(config, config.payload, resources)
    const { stream } = config
    if (stream?.enabled !== true) return new PollingInput(client, config.drop_empty_bodies)
    return new StreamingInput(client, await openScanner(stream, resources), stream.reconnect, config.drop_empty_bodies)
  },
})

class PollingInput implements Input {
  readonly #client: HttpClient
  readonly #dropsEmpty: boolean
  #previous: readonly Message[] = [Message.fromText('')]

  constructor(client: HttpClient, dropsEmpty: boolean) {
    this.#client = client
    this.#dropsEmpty = dropsEmpty
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      if (signal.aborted) return null
      const messages = await this.#client.ask(this.#previous, signal)
      if (signal.aborted || messages.length === 0) continue
      this.#previous = messages
      if (this.#dropsEmpty && messages.length === 1 && messages[0]!.sizeBytes === 0) continue
      return deliverBatch(messages, () => undefined)
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

class StreamingInput implements Input {
  readonly #client: HttpClient
  readonly #factory: ScannerFactory
  readonly #reconnects: boolean
  readonly #dropsEmpty: boolean
  #current: ScannedSource | null = null
  #isFirst = true
  /**
   * What URL, headers and payload are interpolated from: the latest batch or, before the first one, the response
   * headers.
   */
  #previous: readonly Message[] = [Message.fromText('')]

  constructor(client: HttpClient, factory: ScannerFactory, reconnects: boolean, dropsEmpty: boolean) {
    this.#client = client
    this.#factory = factory
    this.#reconnects = reconnects
    this.#dropsEmpty = dropsEmpty
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      if (signal.aborted) return null
      if (this.#current === null) {
        if (!this.#isFirst && !this.#reconnects) return null
        const answer = await this.#client.openFor(this.#previous, signal)
        this.#isFirst = false
        this.#previous = [Message.fromText('', allHeaders(answer))]
        this.#current = new ScannedSource(this.#factory, new StreamSource(answer.body, this.#client.headersOf(answer)))
      }
      const delivery = await this.#current.next()
      if (delivery !== null) {
        this.#previous = delivery.batches.at(-1)!
        const kept = this.#dropsEmpty ? await withoutEmpty(delivery) : delivery
        if (kept.messages.length > 0) return kept
        continue
      }
      await this.#current.close()
      this.#current = null
    }
  }

  async close(): Promise<void> {
    await this.#current?.close()
    await this.#client.close()
  }
}

/** Drops the empty messages that form their own batch from a delivery, and acknowledges them. */
async function withoutEmpty(delivery: Delivery): Promise<Delivery> {
  const { batches } = delivery
  const empty = batches.filter(batch => batch.length === 1 && batch[0]!.sizeBytes === 0).flat()
  if (empty.length === 0) return delivery
  await delivery.settle(empty, null)
  const dropped = new Set(empty)
  const kept = delivery.messages.filter(message => !dropped.has(message))
  return delivery.like(kept, (messages, error) => delivery.settle(messages, error))
}

function allHeaders({ headers }: HttpResponse): ReadonlyMap<string, Value> {
  return new Map(
    Object.entries(headers).flatMap(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value
      return first === undefined ? [] : [[name, first] as const]
    }),
  )
}
