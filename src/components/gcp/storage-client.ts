import { fieldsOf } from '../../base/index.ts'
import { field, type HttpResponse, type Infer, type Resources } from '../../engine/index.ts'
import { GcpError, GcpRest } from './rest-client.ts'
import { addressOfEndpoint, credentialsFields, GcpSession, isPlain } from './session.ts'

export const storageFields = {
  endpoint: field
    .string(
      'An alternative endpoint of the service, such as a private endpoint or an emulator; without TLS if it begins with `http://`. An addition of ours.',
    )
    .needs('network', value => addressOfEndpoint(value))
    .default('')
    .advanced()
    .examples('http://localhost:4443'),
  ...credentialsFields,
} as const

const DEFAULT_ENDPOINT = 'https://storage.googleapis.com'
const EMULATOR_VARIABLE = 'STORAGE_EMULATOR_HOST'
const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_write'

/** The attributes of an object. */
export interface ObjectAttributes {
  readonly name: string
  readonly bucket: string
  /** Changes whenever the object is replaced. */
  readonly generation: string
  readonly sizeBytes: number
  /** RFC 3339; empty if not given. */
  readonly updated: string
  readonly contentType: string
  readonly contentEncoding: string
  readonly md5: string
  readonly metadata: Readonly<Record<string, string>>
}

/** The attributes of a new object. */
export interface NewAttributes {
  readonly contentType: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
}

interface PutOptions {
  /** As in {@link GcpRest.upload}. */
  readonly chunkBytes: number
  /** Whether the put fails if there already is an object. */
  readonly ifAbsent?: boolean
  readonly signal?: AbortSignal | undefined
}

/** Requests for objects in Google Cloud Storage. */
export class StorageClient {
  readonly #rest: GcpRest

  /** Throws `ConfigError` for an invalid key. */
  constructor(options: Infer<typeof storageFields>, resources: Resources) {
    const { endpoint: explicit, credentials_json: key } = options
    const session = new GcpSession(options, resources)
    const emulator = explicit === '' && key === '' ? (resources.host.env(EMULATOR_VARIABLE) ?? '') : ''
    const endpoint = urlOf(explicit || DEFAULT_ENDPOINT, 'https')
    const isAnonymous = emulator !== '' || isPlain(endpoint)
    this.#rest = new GcpRest(
      { endpoint: emulator === '' ? endpoint : urlOf(emulator, 'http'), scope: isAnonymous ? undefined : SCOPE },
      session,
      resources,
    )
  }

  /** Rejects if there are no credentials. */
  prepare(): Promise<void> {
    return this.#rest.prepare()
  }

  /** The attributes of an object; undefined if it does not exist. */
  async attributes(bucket: string, name: string, signal?: AbortSignal): Promise<ObjectAttributes | undefined> {
    const call = { operation: 'GetObject', method: 'GET', path: objectPath(bucket, name), signal } as const
    try {
      return attributesOf(await this.#rest.request(call))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /**
   * The content of an object, which must be read to the end or destroyed. If its content encoding is `gzip`, it arrives
   * decompressed.
   */
  open(
    { bucket, name, generation }: Pick<ObjectAttributes, 'bucket' | 'name' | 'generation'>,
    position: number,
    signal?: AbortSignal,
  ): Promise<HttpResponse> {
    return this.#rest.open({
      operation: 'ReadObject',
      method: 'GET',
      path: objectPath(bucket, name),
      query: { alt: 'media', ...(generation !== '' && { generation }) },
      ...(position > 0 && { headers: { range: `bytes=${position}-` } }),
      signal,
    })
  }

  /** Stores an object. Rejects with an error that satisfies {@link isPresent} if it must not exist, but does. */
  async put(
    bucket: string,
    name: string,
    data: Uint8Array,
    { contentType, contentEncoding = '', metadata = {} }: NewAttributes,
    { chunkBytes, ifAbsent = false, signal }: PutOptions,
  ): Promise<void> {
    await this.#rest.upload({
      operation: 'InsertObject',
      path: `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o`,
      query: { name, ...(ifAbsent && { ifGenerationMatch: '0' }) },
      document: { name, contentType, ...(contentEncoding !== '' && { contentEncoding }), metadata },
      contentType,
      data,
      chunkBytes,
      signal,
    })
  }

  /** Appends an object to another one in the same bucket, which must still have this generation. */
  async append(
    to: ObjectAttributes,
    from: string,
    { contentType, contentEncoding = '', metadata = {} }: NewAttributes,
    signal?: AbortSignal,
  ): Promise<void> {
    const { bucket, name, generation } = to
    const destination = { contentType, ...(contentEncoding !== '' && { contentEncoding }), metadata }
    await this.#rest.request({
      operation: 'ComposeObject',
      method: 'POST',
      path: `${objectPath(bucket, name)}/compose`,
      query: { ...(generation !== '' && { ifGenerationMatch: generation }) },
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ sourceObjects: [{ name }, { name: from }], destination })),
      signal,
    })
  }

  /** A missing object counts as deleted. */
  async delete(bucket: string, name: string, signal?: AbortSignal): Promise<void> {
    const call = { operation: 'DeleteObject', method: 'DELETE', path: objectPath(bucket, name), signal } as const
    try {
      await this.#rest.request(call)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  /** A page of object names in order, and the token of the next page, which is empty at the end. */
  async list(
    bucket: string,
    { prefix, token, limit }: { readonly prefix: string; readonly token: string; readonly limit: number },
    signal?: AbortSignal,
  ): Promise<{ readonly names: readonly string[]; readonly next: string }> {
    const query = {
      maxResults: String(limit),
      ...(prefix !== '' && { prefix }),
      ...(token !== '' && { pageToken: token }),
    }
    const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o`
    const answer = await this.#rest.request({ operation: 'ListObjects', method: 'GET', path, query, signal })
    const items = Array.isArray(answer['items']) ? answer['items'] : []
    return { names: items.map(item => textOf(fieldsOf(item)['name'])), next: textOf(answer['nextPageToken']) }
  }

  close(): Promise<void> {
    return this.#rest.close()
  }
}

/** Whether the object does not exist, in a bucket that does. */
export function isMissing(error: unknown): boolean {
  return error instanceof GcpError && error.status === 404 && !/bucket/i.test(error.message)
}

/** Whether an object exists where none must, or has another generation than required. */
export function isPresent(error: unknown): boolean {
  return error instanceof GcpError && error.status === 412
}

function urlOf(endpoint: string, scheme: string): string {
  return (/^https?:\/\//.test(endpoint) ? endpoint : `${scheme}://${endpoint}`).replace(/\/+$/, '')
}

function objectPath(bucket: string, name: string): string {
  return `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`
}

function attributesOf(document: Readonly<Record<string, unknown>>): ObjectAttributes {
  const metadata = Object.entries(fieldsOf(document['metadata'])).map(([key, value]) => [key, textOf(value)] as const)
  return {
    name: textOf(document['name']),
    bucket: textOf(document['bucket']),
    generation: textOf(document['generation']),
    sizeBytes: Number(document['size']),
    updated: textOf(document['updated']),
    contentType: textOf(document['contentType']),
    contentEncoding: textOf(document['contentEncoding']),
    md5: textOf(document['md5Hash']),
    metadata: Object.fromEntries(metadata),
  }
}

/** 64-bit numbers arrive as strings; emulators send numbers. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
