import { messageOf } from '../../base/index.ts'
import { readFileSync } from 'node:fs'
import { StorageError, type StorageErrorCode } from '../errors.ts'
import type { ObjectStore, Range } from '../object-store.ts'
import { type Answer, type Dialect, type Exchange, header, type PageRequest } from '../remote/dialect.ts'
import { RemoteStore, type RemoteStoreOptions } from '../remote/remote-store.ts'
import { prefixOf, UrlParameters } from '../url-parameters.ts'

/**
 * Opens `gs://bucket/prefix`, through Google's JSON API. Credentials are Google's application defaults: the file of
 * GOOGLE_APPLICATION_CREDENTIALS, gcloud's own, workload identity, the instance. Parameters as in Go CDK: `anonymous`,
 * `private_key_path`, `prefix`; `endpoint` (else STORAGE_EMULATOR_HOST, which needs no credentials). Throws `invalid_url`.
 */
export function openGcsStore(url: URL, options: RemoteStoreOptions = {}): ObjectStore {
  return new RemoteStore(new GcsDialect(url), options)
}

class GcsDialect implements Dialect {
  readonly url: string
  readonly origin: string
  readonly multipart = undefined
  readonly #bucket: string
  readonly #prefix: string
  readonly #tokens: TokenSource | undefined

  constructor(url: URL) {
    const parameters = new UrlParameters(url)
    const emulator = process.env['STORAGE_EMULATOR_HOST'] || undefined
    const endpoint = parameters.text('endpoint') ?? emulator
    const keyFile = parameters.text('private_key_path')
    const anonymous = parameters.boolean('anonymous') ?? (emulator !== undefined && endpoint === emulator)
    parameters.text('access_id', 'universe_domain')
    this.#prefix = prefixOf(url, parameters.text('prefix'))
    parameters.finish()
    this.#bucket = url.host
    if (!/^[a-z0-9][a-z0-9._-]{1,221}$/.test(this.#bucket)) {
      throw new StorageError('invalid_url', `gs://${url.host} does not name a bucket: gs://BUCKET`)
    }
    const server = URL.parse(
      endpoint === undefined || /^https?:\/\//.test(endpoint) ? (endpoint ?? HOST) : `http://${endpoint}`,
    )
    if (server === null) throw new StorageError('invalid_url', `the endpoint ${endpoint} is not a URL`)
    this.origin = server.origin
    this.url = `gs://${this.#bucket}/${this.#prefix}${endpoint === undefined ? '' : `?endpoint=${server.origin}`}`
    this.#tokens = anonymous ? undefined : new TokenSource(keyFile)
  }

  put(key: string, body: Uint8Array, { ifAbsent, putId }: { ifAbsent: boolean; putId: string }): Promise<Exchange> {
    const condition = ifAbsent ? '&ifGenerationMatch=0' : ''
    const metadata = JSON.stringify({ name: this.#prefix + key, metadata: { [PUT_ID]: putId } })
    const part = (type: string) => `--${BOUNDARY}\r\nContent-Type: ${type}\r\n\r\n`
    const whole = Buffer.concat([
      Buffer.from(`${part('application/json')}${metadata}\r\n${part('application/octet-stream')}`),
      body,
      Buffer.from(`\r\n--${BOUNDARY}--\r\n`),
    ])
    const path = `/upload/storage/v1/b/${this.#bucket}/o?uploadType=multipart${condition}`
    return this.#exchange('POST', path, { 'content-type': `multipart/related; boundary=${BOUNDARY}` }, whole)
  }

  get(key: string, range: Range | undefined): Promise<Exchange> {
    const headers: Record<string, string> = {}
    if (range !== undefined) headers['range'] = `bytes=${range.position}-${range.position + range.length - 1}`
    return this.#exchange('GET', `${this.#pathOf(key)}?alt=media`, headers)
  }

  head(key: string): Promise<Exchange> {
    return this.#exchange('GET', this.#pathOf(key))
  }

  delete(key: string): Promise<Exchange> {
    return this.#exchange('DELETE', this.#pathOf(key))
  }

  list({ prefix, after, limit, token }: PageRequest): Promise<Exchange> {
    const query = new URLSearchParams({ prefix: this.#prefix + prefix, maxResults: String(limit), fields: LIST_FIELDS })
    // The offset is inclusive; the caller filters out the extra key.
    if (after !== '') query.set('startOffset', this.#prefix + after)
    if (token !== undefined) query.set('pageToken', token)
    return this.#exchange('GET', `/storage/v1/b/${this.#bucket}/o?${query.toString()}`)
  }

  pageOf(answer: Answer) {
    const { items = [], nextPageToken } = parseJson<{ items?: Item[]; nextPageToken?: string }>(answer)
    const objects = items.map(item => ({ key: item.name.slice(this.#prefix.length), sizeBytes: Number(item.size) }))
    return { objects, next: nextPageToken }
  }

  putIdOf(answer: Answer): string | undefined {
    return parseJson<{ metadata?: Record<string, string> }>(answer).metadata?.[PUT_ID]
  }

  sizeOf(answer: Answer): number {
    return Number(parseJson<Item>(answer).size)
  }

  errorOf(answer: Answer, subject: string): StorageError {
    const said = answerText(answer)
    const hint = answer.status === 403 ? ' (the role Storage Object Admin on the bucket is needed)' : ''
    const missingBucket = answer.status === 404 && /bucket/i.test(said)
    const code = missingBucket ? 'failed' : storageCode(answer.status)
    return new StorageError(code, `${subject} in bucket ${this.#bucket}: ${said}${hint}`)
  }

  refreshCredentials(): void {
    this.#tokens?.forget()
  }

  #pathOf(key: string): string {
    return `/storage/v1/b/${this.#bucket}/o/${encodeURIComponent(this.#prefix + key)}`
  }

  async #exchange(
    method: Exchange['method'],
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: Uint8Array,
  ): Promise<Exchange> {
    const authorization = await this.#tokens?.authorization()
    return { method, path, headers: { ...headers, ...(authorization && { authorization }) }, ...(body && { body }) }
  }
}

interface Item {
  readonly name: string
  readonly size: string
}

const HOST = 'https://storage.googleapis.com'
const PUT_ID = 'put-id'
const LIST_FIELDS = 'items(name,size),nextPageToken'
/** A boundary that must not occur in bodies; Google does not search for it, since bodies declare their length. */
const BOUNDARY = 'penstock-7f1c4f2a5d9e4b0c'

/** Access tokens from Google's own library, which supports every source of credentials and renews them in time. */
class TokenSource {
  readonly #keyFile: string | undefined
  #client: Promise<{ getAccessToken(): Promise<string | null | undefined> }> | undefined

  constructor(keyFile: string | undefined) {
    if (keyFile !== undefined) readFileSync(keyFile) // a wrong path is an error of the URL, not of the first request
    this.#keyFile = keyFile
  }

  async authorization(): Promise<string> {
    this.#client ??= this.#open()
    try {
      const token = await (await this.#client).getAccessToken()
      return `Bearer ${token ?? ''}`
    } catch (cause) {
      this.#client = undefined
      throw new StorageError('failed', `no Google credentials were found: ${messageOf(cause)}`, { cause })
    }
  }

  forget(): void {
    this.#client = undefined
  }

  async #open() {
    const { GoogleAuth } = (await import('google-auth-library')).default
    return new GoogleAuth({
      scopes: ['https://www.googleapis.com/auth/devstorage.read_write'],
      ...(this.#keyFile === undefined ? {} : { keyFile: this.#keyFile }),
    })
  }
}

function storageCode(status: number): StorageErrorCode {
  switch (status) {
    case 404:
      return 'not_found'
    case 412:
      return 'already_exists'
    case 416:
      return 'out_of_range'
    case 408:
    case 429:
      return 'unavailable'
    default:
      return status >= 500 && status !== 501 ? 'unavailable' : 'failed'
  }
}

function answerText(answer: Answer): string {
  const type = header(answer, 'content-type') ?? ''
  if (type.includes('json')) {
    try {
      const { error } = parseJson<{ error?: { message?: string } }>(answer)
      if (error?.message !== undefined) return error.message
    } catch {
      // The body is not the JSON that it claims to be, so it is quoted verbatim.
    }
  }
  return answer.body.toString().slice(0, 200).trim() || `HTTP status ${answer.status}`
}

function parseJson<T>(answer: Answer): T {
  try {
    // The shape is the API's; a missing field reads as undefined.
    return JSON.parse(answer.body.toString()) as T
  } catch (cause) {
    throw new StorageError('unavailable', 'the store answered with invalid JSON', { cause })
  }
}
