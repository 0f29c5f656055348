import {
  type Batch,
  batchingField,
  defineOutput,
  deliverEachOf,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Output,
  parseDuration,
  type Resources,
} from '../../engine/index.ts'
import {
  azureConfig,
  AzureError,
  AzureStorage,
  credentialsHelp,
  sasTokenField,
  storageFields,
} from './storage-client.ts'

const config = azureConfig('queue', {
  ...storageFields,
  storage_sas_token: sasTokenField,
  queue_name: field.interpolated('The queue, which is created if it does not exist.'),
  ttl: field
    .interpolated("The time to live of a message in the queue; by default the service's own limit.")
    .default('')
    .examples('60s', '5m', '36h')
    .advanced(),
  max_in_flight: maxInFlightField(64),
  batching: batchingField,
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'azure_queue_storage',
  categories: ['Services', 'Azure'],
  summary: 'Sends messages to an Azure Storage queue.',
  description: `The queue name is evaluated per message. A message is text and must not contain characters that are invalid in XML, as required by the service.\n\n${credentialsHelp}`,
  config,
  needs: ['network'],
  create: (options, resources) => new QueueOutput(options, resources),
})

class QueueOutput implements Output {
  readonly #config: Config
  readonly #storage: AzureStorage

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#storage = new AzureStorage(options, 'queue', resources)
  }

  connect(): void {
    // Each request is independent.
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    await deliverEachOf(batch, (message, index) => this.#send(batch, index, message.text(), signal))
  }

  close(): Promise<void> {
    return this.#storage.close()
  }

  async #send(batch: Batch, index: number, text: string, signal: AbortSignal): Promise<void> {
    const queue = evaluated('queue name', () => this.#config.queue_name.eval(batch, index))
    const ttl = evaluated('ttl', () => this.#config.ttl.eval(batch, index))
    const body = Buffer.from(`<QueueMessage><MessageText>${escaped(text)}</MessageText></QueueMessage>`)
    const put = () =>
      this.#storage.request({
        operation: 'PutMessage',
        method: 'POST',
        path: [queue, 'messages'],
        query: ttl === '' ? {} : { messagettl: String(Math.trunc(parseDuration(ttl) / 1000)) },
        headers: { 'content-type': 'application/xml' },
        body,
        signal,
      })
    try {
      await put()
    } catch (error) {
      if (!(error instanceof AzureError) || error.status !== 404) throw error
      await this.#storage.request({ operation: 'CreateQueue', method: 'PUT', path: [queue], signal })
      await put()
    }
  }
}

function escaped(text: string): string {
  // A literal carriage return would arrive as a line feed.
  return text.replace(/[&<>\r]/g, character => `&#${character.charCodeAt(0)};`)
}
