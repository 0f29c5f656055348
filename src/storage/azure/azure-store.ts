import { StorageError, type StorageErrorCode } from '../errors.ts'
import type { ObjectStore, Range } from '../object-store.ts'
import { type Answer, type Dialect, type Exchange, header, type PageRequest } from '../remote/dialect.ts'
import { RemoteStore, type RemoteStoreOptions } from '../remote/remote-store.ts'
import { prefixOf, UrlParameters } from '../url-parameters.ts'
import { elementText, elements } from '../xml.ts'
import { sharedKeyAuthorization } from './sign.ts'
import { EntraTokens } from './tokens.ts'

/**
 * Opens `azblob://container/prefix`. The account is AZURE_STORAGE_ACCOUNT or `storage_account`; credentials are
 * AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN, those of AZURE_STORAGE_CONNECTION_STRING, or an identity of Microsoft Entra.
 * Further parameters as in Go CDK: `domain`, `protocol`, `localemu`, `prefix`. Throws `invalid_url`.
 */
export function openAzureStore(url: URL, options: RemoteStoreOptions = {}): ObjectStore {
  return new RemoteStore(new AzureDialect(url), options)
}

const VERSION = '2024-08-04'
const PUT_ID = 'x-ms-meta-putid'

class AzureDialect implements Dialect {
  readonly url: string
  readonly origin: string
  /** A single request may carry 5,000 MiB. */
  readonly multipart = undefined
  readonly #container: string
  readonly #prefix: string
  readonly #account: string
  readonly #key: Buffer | undefined
  readonly #sas: readonly (readonly [string, string])[]
  readonly #tokens: EntraTokens | undefined
  /** `/container`, after the account's name where that is part of the path. */
  readonly #base: string

  constructor(url: URL) {
    const parameters = new UrlParameters(url)
    const { env } = process
    const connection = connectionString(env['AZURE_STORAGE_CONNECTION_STRING'])
    const account =
      parameters.text('storage_account') ?? (env['AZURE_STORAGE_ACCOUNT'] || connection.get('accountname'))
    const emulated = parameters.boolean('localemu') ?? env['AZURE_STORAGE_IS_LOCAL_EMULATOR'] === 'true'
    const protocol = parameters.text('protocol') ?? (env['AZURE_STORAGE_PROTOCOL'] || (emulated ? 'http' : 'https'))
    const domain =
      parameters.text('domain') ??
      (env['AZURE_STORAGE_DOMAIN'] || (emulated ? '127.0.0.1:10000' : 'blob.core.windows.net'))
    this.#prefix = prefixOf(url, parameters.text('prefix'))
    parameters.text('cdn')
    parameters.finish()
    this.#container = url.host
    if (!/^[a-z0-9$][a-z0-9-]{2,62}$/.test(this.#container)) {
      throw new StorageError('invalid_url', `azblob://${url.host} does not name a container: azblob://CONTAINER`)
    }
    if (!account) {
      throw new StorageError('invalid_url', `${url.href}: set AZURE_STORAGE_ACCOUNT to the name of the storage account`)
    }
    this.#account = account
    const endpoint = connection.get('blobendpoint')
    const server = URL.parse(
      endpoint ?? (emulated ? `${protocol}://${domain}/${account}` : `${protocol}://${account}.${domain}`),
    )
    if (server === null) throw new StorageError('invalid_url', `the domain ${domain} of ${url.href} is not a host`)
    this.origin = server.origin
    this.#base = `${server.pathname.replace(/\/$/, '')}/${this.#container}`
    this.url = `azblob://${this.#container}/${this.#prefix}`
    const key = env['AZURE_STORAGE_KEY'] || connection.get('accountkey')
    const sas = env['AZURE_STORAGE_SAS_TOKEN'] || connection.get('sharedaccesssignature')
    this.#key = key ? Buffer.from(key, 'base64') : undefined
    this.#sas = sas && !key ? [...new URLSearchParams(sas.replace(/^\?/, ''))] : []
    this.#tokens = key || sas ? undefined : new EntraTokens()
  }

  put(key: string, body: Uint8Array, { ifAbsent, putId }: { ifAbsent: boolean; putId: string }): Promise<Exchange> {
    const headers: Record<string, string> = {
      'x-ms-blob-type': 'BlockBlob',
      'content-type': 'application/octet-stream',
      [PUT_ID]: putId,
    }
    if (ifAbsent) headers['if-none-match'] = '*'
    return this.#exchange('PUT', this.#pathOf(key), [], headers, body)
  }

  get(key: string, range: Range | undefined): Promise<Exchange> {
    const headers: Record<string, string> = {}
    if (range !== undefined) headers['x-ms-range'] = `bytes=${range.position}-${range.position + range.length - 1}`
    return this.#exchange('GET', this.#pathOf(key), [], headers)
  }

  head(key: string): Promise<Exchange> {
    return this.#exchange('HEAD', this.#pathOf(key), [])
  }

  delete(key: string): Promise<Exchange> {
    return this.#exchange('DELETE', this.#pathOf(key), [])
  }

  /** The service cannot start after a key: keys before it are read and skipped. */
  list({ prefix, token }: PageRequest): Promise<Exchange> {
    const query: [string, string][] = [
      ['comp', 'list'],
      ['restype', 'container'],
      ['prefix', this.#prefix + prefix],
    ]
    if (token !== undefined) query.push(['marker', token])
    return this.#exchange('GET', this.#base, query)
  }

  pageOf(answer: Answer) {
    const text = answer.body.toString()
    const objects = elements(text, 'Blob').map(blob => ({
      key: elementText(blob, 'Name')!.slice(this.#prefix.length),
      sizeBytes: Number(elementText(blob, 'Content-Length')),
    }))
    return { objects, next: elementText(text, 'NextMarker') || undefined }
  }

  putIdOf(answer: Answer): string | undefined {
    return header(answer, PUT_ID)
  }

  sizeOf(answer: Answer): number {
    return Number(header(answer, 'content-length'))
  }

  errorOf(answer: Answer, subject: string): StorageError {
    const code = header(answer, 'x-ms-error-code') ?? elementText(answer.body.toString(), 'Code') ?? ''
    const message = elementText(answer.body.toString(), 'Message')?.split('\n')[0]
    const said = [code, message].filter(Boolean).join(': ') || `HTTP status ${answer.status}`
    const hint = hints[code]
    const text = `${subject} in container ${this.#container}: ${said}${hint === undefined ? '' : ` (${hint})`}`
    return new StorageError(storageCode(answer.status, code), text)
  }

  refreshCredentials(): void {
    this.#tokens?.forget()
  }

  #pathOf(key: string): string {
    return `${this.#base}/${(this.#prefix + key).split('/').map(encodeURIComponent).join('/')}`
  }

  async #exchange(
    method: Exchange['method'],
    path: string,
    query: readonly (readonly [string, string])[],
    extra: Readonly<Record<string, string>> = {},
    body?: Uint8Array,
  ): Promise<Exchange> {
    const headers: Record<string, string> = {
      'x-ms-date': new Date().toUTCString(),
      'x-ms-version': VERSION,
      ...extra,
    }
    if (this.#key !== undefined) {
      const contentLength = body?.byteLength ?? 0
      headers['authorization'] = sharedKeyAuthorization(this.#account, this.#key, {
        method,
        path,
        query,
        headers,
        contentLength,
      })
    } else if (this.#tokens !== undefined) {
      headers['authorization'] = `Bearer ${await this.#tokens.get()}`
    }
    const text = new URLSearchParams([...query, ...this.#sas].map(([name, value]) => [name, value])).toString()
    return { method, path: text === '' ? path : `${path}?${text}`, headers, ...(body && { body }) }
  }
}

const hints: Readonly<Record<string, string>> = {
  ContainerNotFound: 'create it first, or check its name and the account',
  AuthenticationFailed: 'the account key or SAS token is wrong, or this machine’s clock is off',
  AuthorizationPermissionMismatch: 'the role Storage Blob Data Contributor is needed',
}

function storageCode(status: number, code: string): StorageErrorCode {
  switch (code) {
    case 'ContainerNotFound':
      return 'failed'
    case 'BlobAlreadyExists':
    case 'UnauthorizedBlobOverwrite':
      return 'already_exists'
    case 'ContainerBeingDeleted':
      return 'unavailable'
  }
  switch (status) {
    case 404:
      return 'not_found'
    case 409:
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

/** Parses `Name=value;…`; names are converted to lower case. */
function connectionString(text: string | undefined): ReadonlyMap<string, string> {
  const parts = (text ?? '').split(';').filter(part => part.includes('='))
  return new Map(
    parts.map(part => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1)]
    }),
  )
}
