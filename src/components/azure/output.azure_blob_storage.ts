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
} from '../../engine/index.ts'
import {
  azureConfig,
  AzureError,
  AzureStorage,
  credentialsHelp,
  sasTokenField,
  storageFields,
} from './storage-client.ts'

const config = azureConfig('blob', {
  ...storageFields,
  storage_sas_token: sasTokenField,
  container: field
    .interpolated('The container, which is created if it does not exist.')
    .examples('messages-${!timestamp("2006")}'),
  path: field
    .interpolated('The name of the blob that a message is stored as.')
    .default('${!count("files")}-${!timestamp_unix_nano()}.txt')
    .examples(
      '${!count("files")}-${!timestamp_unix_nano()}.json',
      '${!meta("kafka_key")}.json',
      '${!json("doc.namespace")}/${!json("doc.id")}.json',
    ),
  blob_type: field
    .interpolated('Whether a message becomes a blob of its own or is appended to one.')
    .options({ BLOCK: '', APPEND: '' })
    .default('BLOCK')
    .advanced(),
  public_access_level: field
    .interpolated('The public access level of a container that is created.')
    .options({ PRIVATE: '', BLOB: '', CONTAINER: '' })
    .default('PRIVATE')
    .advanced(),
  max_in_flight: maxInFlightField(64),
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'azure_blob_storage',
  categories: ['Services', 'Azure'],
  summary: 'Stores messages as blobs in an Azure Storage container.',
  description: `Each message becomes a blob, or a block of one with \`blob_type: APPEND\`. Interpolations are evaluated per message.\n\n${credentialsHelp}`,
  config,
  needs: ['network'],
  create: (options, resources) => new BlobOutput(options, resources),
})

class BlobOutput implements Output {
  readonly #config: Config
  readonly #storage: AzureStorage

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#storage = new AzureStorage(options, 'blob', resources)
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    await deliverEachOf(batch, (_, index) => this.#store(batch, index, signal))
  }

  close(): Promise<void> {
    return this.#storage.close()
  }

  async #store(batch: Batch, index: number, signal: AbortSignal): Promise<void> {
    const text = (name: string, value: Interpolation) => evaluated(name, () => value.eval(batch, index))
    const container = text('container', this.#config.container)
    const blob = text('path', this.#config.path)
    const appends = text('blob type', this.#config.blob_type) === 'APPEND'
    const body = batch[index]!.bytes()
    const upload = () =>
      appends ? this.#append([container, blob], body, signal) : this.#put([container, blob], body, signal)
    try {
      await upload()
    } catch (error) {
      if (!isCode(error, 'ContainerNotFound')) throw error
      await this.#createContainer(container, text('access level', this.#config.public_access_level), signal)
      await upload()
    }
  }

  async #put(path: readonly string[], body: Uint8Array, signal: AbortSignal): Promise<void> {
    const headers = { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' }
    await this.#storage.request({ operation: 'PutBlob', method: 'PUT', path, headers, body, signal })
  }

  async #append(path: readonly string[], body: Uint8Array, signal: AbortSignal): Promise<void> {
    const append = () =>
      this.#storage.request({
        operation: 'AppendBlock',
        method: 'PUT',
        path,
        query: { comp: 'appendblock' },
        headers: { 'content-type': 'application/octet-stream' },
        body,
        signal,
      })
    try {
      await append()
    } catch (error) {
      if (!isCode(error, 'BlobNotFound')) throw error
      // Another writer may have created it in the meantime, and what it appended must be kept.
      const headers = { 'x-ms-blob-type': 'AppendBlob', 'if-none-match': '*' }
      await this.#storage
        .request({ operation: 'PutBlob', method: 'PUT', path, headers, signal })
        .catch((cause: unknown) => {
          if (!isCode(cause, 'BlobAlreadyExists')) throw cause
        })
      await append()
    }
  }

  async #createContainer(container: string, level: string, signal: AbortSignal): Promise<void> {
    const headers: Record<string, string> = {}
    if (level === 'BLOB' || level === 'CONTAINER') headers['x-ms-blob-public-access'] = level.toLowerCase()
    const call = {
      operation: 'CreateContainer',
      method: 'PUT',
      path: [container],
      query: { restype: 'container' },
    } as const
    await this.#storage.request({ ...call, headers, signal }).catch((error: unknown) => {
      if (!isCode(error, 'ContainerAlreadyExists')) throw error
    })
  }
}

const isCode = (error: unknown, code: string): boolean => error instanceof AzureError && error.code === code
