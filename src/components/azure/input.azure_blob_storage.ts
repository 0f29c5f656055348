import { messageOf } from '../../base/index.ts'
import { getOwn, isObject, type Value } from '../../bloblang/index.ts'
import {
  type Batch,
  type ByteSource,
  ClosedError,
  codecFields,
  defineInput,
  type Delivery,
  field,
  type HttpResponse,
  type Infer,
  type InputHandle,
  type Message,
  type Metadata,
  ObjectInput,
  type ObjectSource,
  type ObjectTarget,
  openScanner,
  type Resources,
  ResumedSource,
} from '../../engine/index.ts'
import { elements, elementText } from '../../storage/index.ts'
import {
  azureConfig,
  AzureError,
  AzureStorage,
  credentialsHelp,
  isTransient,
  sasTokenField,
  storageFields,
} from './storage-client.ts'

const config = azureConfig('blob', {
  ...storageFields,
  storage_sas_token: sasTokenField,
  container: field.string('The name of the container.'),
  prefix: field.string('The prefix of the names of the blobs to read.').default(''),
  scanner: field.scanner('How a blob is split into messages.').default({ to_the_end: {} }),
  ...codecFields,
  delete_objects: field
    .bool('Whether a blob is deleted once all of its messages have been delivered.')
    .default(false)
    .advanced(),
  targets_input: field
    .input(
      'An input whose messages name the blobs to read, as objects with the field `name`, instead of reading all existing ones.',
    )
    .optional(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'azure_blob_storage',
  categories: ['Services', 'Azure'],
  summary: 'Reads the blobs of an Azure Storage container: the existing ones, or those named by another input.',
  description: `Without \`targets_input\`, the blobs under \`prefix\` are read in order of their names, and then the input ends. With it, each of its messages names a blob in the field \`name\`, which a mapping can derive from Event Grid events; \`prefix\` is not used then. Such a message is acknowledged once all messages of all blobs of its batch have been delivered, and rejected if one of them was.

If the connection is lost in the middle of a blob, the input reconnects and continues where it stopped, unless the blob has been modified in the meantime. A blob that cannot be read is logged as an error and skipped, also if access is denied, which ends the original's input. With \`delete_objects\` and \`targets_input\`, all blobs of a batch are deleted once all have been delivered, whereas the original only deletes the last one; a missing blob then counts as delivered, since events are repeated.

Metadata of each message: \`blob_storage_key\`, \`blob_storage_container\`, \`blob_storage_last_modified\` (RFC 3339), \`blob_storage_last_modified_unix\`, \`blob_storage_content_type\`, \`blob_storage_content_encoding\`, and the blob's own metadata.

${credentialsHelp}`,
  config,
  needs: ['network'],
  replays: ({ targets_input: input }) => input === undefined,
  examples: [
    {
      title: 'New blobs, announced by Event Grid',
      summary: 'The topic of an Event Grid namespace announces every blob that is created.',
      config: `input:
  azure_blob_storage:
    storage_account: mystorage
    storage_sas_token: \${SAS_TOKEN}
    container: uploads
    scanner:
      lines: {}
    targets_input:
      mqtt:
        urls: [ tls://example.westeurope-1.ts.eventgrid.azure.net:8883 ]
        topics: [ blobs ]
      processors:
        - unarchive:
            format: json_array
        - mapping: |
            root = if this.eventType == "Microsoft.Storage.BlobCreated" {
              { "name": this.data.url.parse_url().path.trim_prefix("/uploads/") }
            } else {
              deleted()
            }
`,
    },
  ],
  async create(options, resources) {
    const factory = await openScanner(options, resources)
    const blobs = new Blobs(options, resources)
    const { targets_input: named } = options
    const input = named === undefined ? undefined : await resources.input(named)
    const targets = input === undefined ? new ListedTargets(options, blobs) : new NamedTargets(input, blobs, resources)
    return new ObjectInput(new BlobSource(blobs, targets), factory, resources.log)
  },
})

/** A source of blobs to read. */
interface Targets {
  connect(signal: AbortSignal): Promise<void>
  next(signal: AbortSignal): Promise<ObjectTarget | null>
  close(): Promise<void>
}

class BlobSource implements ObjectSource<ObjectTarget> {
  readonly #blobs: Blobs
  readonly #targets: Targets

  constructor(blobs: Blobs, targets: Targets) {
    this.#blobs = blobs
    this.#targets = targets
  }

  connect(signal: AbortSignal): Promise<void> {
    return this.#targets.connect(signal)
  }

  next(signal: AbortSignal): Promise<ObjectTarget | null> {
    return this.#targets.next(signal)
  }

  open({ key }: ObjectTarget, signal: AbortSignal): Promise<ByteSource> {
    return this.#blobs.open(key, signal)
  }

  mayOpenLater(error: unknown): boolean {
    return isTransient(error)
  }

  async close(): Promise<void> {
    await this.#targets.close()
    await this.#blobs.close()
  }
}

/** Requests for one container. */
class Blobs {
  readonly deletes: boolean
  readonly #container: string
  readonly #storage: AzureStorage
  readonly #resources: Resources

  constructor(options: Config, resources: Resources) {
    this.deletes = options.delete_objects
    this.#container = options.container
    this.#storage = new AzureStorage(options, 'blob', resources)
    this.#resources = resources
  }

  async open(name: string, signal: AbortSignal): Promise<ByteSource> {
    // Encoded blobs are scanned as they are stored, as in the original.
    const headers = { 'accept-encoding': 'identity' }
    const call = { operation: 'GetBlob', method: 'GET', path: [this.#container, name], headers, signal } as const
    const { headers: found, body } = await this.#storage.open(call)
    const { etag, 'content-length': length } = found
    const { host, log } = this.#resources
    return new ResumedSource(
      {
        name,
        metadata: metadataOf(this.#container, name, found),
        body,
        isTransient,
        reopen: async position => {
          if (position === Number(length)) return null
          const range = { 'x-ms-range': `bytes=${position}-`, ...(typeof etag === 'string' && { 'if-match': etag }) }
          return (await this.#storage.open({ ...call, headers: { ...headers, ...range } })).body
        },
      },
      { log, random: () => host.random(), signal },
    )
  }

  /** A page of blob names, and where the next one begins; empty at the end. */
  async list(
    prefix: string,
    marker: string,
    signal: AbortSignal,
  ): Promise<{ readonly names: readonly string[]; readonly next: string }> {
    const query = {
      restype: 'container',
      comp: 'list',
      maxresults: String(PAGE),
      ...(prefix !== '' && { prefix }),
      ...(marker !== '' && { marker }),
    }
    const call = { operation: 'ListBlobs', method: 'GET', path: [this.#container], query, signal } as const
    const { text } = await this.#storage.request(call)
    const names = elements(text, 'Blob').map(blob => elementText(blob, 'Name') ?? '')
    return { names, next: elementText(text, 'NextMarker') ?? '' }
  }

  async delete(name: string): Promise<void> {
    try {
      await this.#storage.request({ operation: 'DeleteBlob', method: 'DELETE', path: [this.#container, name] })
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  close(): Promise<void> {
    return this.#storage.close()
  }
}

const PAGE = 100
const USER_METADATA = 'x-ms-meta-'

function metadataOf(container: string, name: string, headers: HttpResponse['headers']): Metadata {
  const text = (header: string) => (typeof headers[header] === 'string' ? headers[header] : undefined)
  const metadata = new Map<string, Value>([
    ['blob_storage_key', name],
    ['blob_storage_container', container],
  ])
  const set = (key: string, value: string | undefined) => value !== undefined && metadata.set(key, value)
  const modifiedMs = Date.parse(text('last-modified') ?? '')
  if (!Number.isNaN(modifiedMs)) {
    metadata.set('blob_storage_last_modified', new Date(modifiedMs).toISOString().replace('.000Z', 'Z'))
    metadata.set('blob_storage_last_modified_unix', BigInt(Math.floor(modifiedMs / 1000)))
  }
  set('blob_storage_content_type', text('content-type'))
  set('blob_storage_content_encoding', text('content-encoding'))
  for (const header of Object.keys(headers)) {
    if (header.startsWith(USER_METADATA)) set(header.slice(USER_METADATA.length), text(header))
  }
  return metadata
}

/** The blobs of a container in order of their names. */
class ListedTargets implements Targets {
  readonly #prefix: string
  readonly #blobs: Blobs
  #names: string[] = []
  /** Where the next page begins; null before the first one. */
  #next: string | null = null

  constructor({ prefix }: Config, blobs: Blobs) {
    this.#prefix = prefix
    this.#blobs = blobs
  }

  /** Fetches the first page of the listing, so that a container that cannot be listed is retried. */
  async connect(signal: AbortSignal): Promise<void> {
    if (this.#next === null) await this.#list('', signal)
  }

  async next(signal: AbortSignal): Promise<ObjectTarget | null> {
    // A page may be empty without being the last.
    while (this.#names.length === 0 && this.#next) await this.#list(this.#next, signal)
    const key = this.#names.shift()
    if (key === undefined) return null
    return {
      key,
      settled: async error => {
        if (error === null && this.#blobs.deletes) await this.#blobs.delete(key)
      },
    }
  }

  async close(): Promise<void> {
    // Nothing stays open between two listing requests.
  }

  async #list(marker: string, signal: AbortSignal): Promise<void> {
    const { names, next } = await this.#blobs.list(this.#prefix, marker, signal)
    this.#names = [...names]
    this.#next = next
  }
}

/** The blobs named by the messages of another input. */
class NamedTargets implements Targets {
  readonly #input: InputHandle
  readonly #blobs: Blobs
  readonly #resources: Resources
  #pending: ObjectTarget[] = []

  constructor(input: InputHandle, blobs: Blobs, resources: Resources) {
    this.#input = input
    this.#blobs = blobs
    this.#resources = resources
  }

  async connect(): Promise<void> {
    // The other input connects by itself.
  }

  async next(signal: AbortSignal): Promise<ObjectTarget | null> {
    while (this.#pending.length === 0) {
      const delivery = await this.#input.next(signal)
      if (delivery === null) return null
      for (const batch of delivery.batches) this.#pending.push(...(await this.#targetsOf(batch, delivery)))
    }
    return this.#pending.shift()!
  }

  async close(): Promise<void> {
    for (const target of this.#pending) await target.settled(new ClosedError())
    await this.#input.close()
  }

  /**
   * The blobs of one batch, which is acknowledged once all of them have been delivered, and rejected with the first
   * that was.
   */
  async #targetsOf(batch: Batch, delivery: Delivery): Promise<readonly ObjectTarget[]> {
    const names = batch.map(message => this.#nameIn(message)).filter(name => name !== undefined)
    if (names.length === 0) {
      await delivery.settle(batch, null)
      return []
    }
    let left = names.length
    const settled = async (error: Error | null) => {
      if (left <= 0) return
      if (error !== null) {
        left = 0
        await delivery.settle(batch, error)
      } else if (--left === 0) {
        if (this.#blobs.deletes) for (const name of names) await this.#blobs.delete(name)
        await delivery.settle(batch, null)
      }
    }
    return names.map(key => ({ key, settled: error => settled(this.#isDone(key, error) ? null : error) }))
  }

  #nameIn(message: Message): string | undefined {
    let name: unknown
    try {
      const value = message.structured()
      name = isObject(value) ? getOwn(value, 'name') : undefined
    } catch (error) {
      this.#resources.log.error(`Failed to read a message of targets_input: ${messageOf(error)}`)
      return undefined
    }
    if (typeof name === 'string' && name !== '') return name
    this.#resources.log.warn('A message of targets_input has no field `name` with the name of a blob')
    return undefined
  }

  /** Whether a blob was delivered and deleted before, which happens because events are repeated. */
  #isDone(key: string, error: Error | null): boolean {
    if (!this.#blobs.deletes || !isMissing(error)) return false
    this.#resources.log.warn(`The blob '${key}' is gone, and counts as delivered`)
    return true
  }
}

const isMissing = (error: unknown): boolean => error instanceof AzureError && error.code === 'BlobNotFound'
