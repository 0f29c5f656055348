import { fieldsOf, messageOf } from '../../base/index.ts'
import {
  addressOfUrl,
  ConfigError,
  field,
  type Field,
  type FieldMap,
  type HttpResponse,
  HttpTransport,
  isHttpConnectionError,
  type Infer,
  type Need,
  pause,
  type Resources,
  wholeBody,
} from '../../engine/index.ts'
import { elementText, EntraTokens, sharedKeyAuthorization } from '../../storage/index.ts'

export const storageFields = {
  storage_account: field.string('The storage account; ignored if `storage_connection_string` names one.').default(''),
  storage_access_key: field
    .string('The access key of the account; ignored if `storage_connection_string` is set.')
    .default('')
    .secret(),
  storage_connection_string: field
    .string('A connection string, instead of the other fields.')
    .needs('network', value => addressOfConnection(value))
    .default('')
    .secret(),
} as const

export const sasTokenField = field
  .string('A shared access signature; ignored if `storage_connection_string` or `storage_access_key` is set.')
  .default('')
  .secret()

/** Documentation shared by the Azure Storage components. */
export const credentialsHelp =
  'Credentials are taken from `storage_connection_string`, `storage_access_key` or `storage_sas_token`, in this order, or otherwise from the machine: a service principal or workload identity in the environment, or a managed identity. Managed pipelines use one of the first three, or the capabilities granted to them.'

/** The fields of an Azure Storage component. The identity of the machine needs its environment and files. */
export function azureConfig<const F extends FieldMap>(service: Service, fields: F): Field<Infer<F>> {
  return field
    .object(fields)
    .lint(value => accountFinding(fieldsOf(value)))
    .needsWhen(['environment', 'files'], value => needsOfSession(service, fieldsOf(value)))
}

function accountFinding(written: Readonly<Record<string, unknown>>): string | undefined {
  const { storage_connection_string: connection = '', storage_account: account = '' } = written
  const text = String(connection)
  if (text === '' || account !== '' || text.includes('AccountName=') || isDevelopment(text)) return undefined
  return 'storage_account must be set if storage_connection_string does not contain the "AccountName" parameter'
}

function needsOfSession(service: Service, written: Readonly<Record<string, unknown>>): readonly Need[] {
  const explicit = ['storage_connection_string', 'storage_access_key', 'storage_sas_token']
  const isExplicit = explicit.some(name => (written[name] ?? '') !== '')
  if (isExplicit && !isDevelopment(String(written['storage_connection_string'] ?? ''))) return []
  const target = isExplicit ? developmentPortVariable(service) : 'AZURE_CLIENT_SECRET'
  return [{ capability: 'environment', target }, ...(isExplicit ? [] : [{ capability: 'files' } as const])]
}

function developmentPortVariable(service: Service): string {
  return `AZURITE_${service.toUpperCase()}_ENDPOINT_PORT`
}

type Config = Infer<typeof storageFields> & { readonly storage_sas_token: string }
type Service = 'blob' | 'queue'

interface Call {
  /** For error messages: `PutMessage`. */
  readonly operation: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Unescaped path segments, relative to the account. */
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal
}

interface Answer {
  readonly headers: HttpResponse['headers']
  readonly text: string
}

/** Azure Storage rejected a request. */
export class AzureError extends Error {
  readonly status: number
  /** As named by the service: `QueueNotFound`. */
  readonly code: string

  constructor(operation: string, status: number, code: string, reason: string) {
    super(`${operation}: ${[code, reason].filter(Boolean).join(': ') || `HTTP status ${status}`}`)
    this.name = 'AzureError'
    this.status = status
    this.code = code
  }
}

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof AzureError) return error.status >= 500 || error.status === 429 || error.status === 408
  return isHttpConnectionError(error) || (error instanceof Error && isHttpConnectionError(error.cause))
}

const VERSION = '2024-08-04'
const ATTEMPTS = 3
const FIRST_PAUSE_MS = 100
/** Time limit for the response headers. */
const ANSWER_TIMEOUT_MS = 60_000
/** More than a page of a listing, or 32 messages of a queue. */
const maxAnswerBytes = 64 * 2 ** 20

/** A client for Azure Storage. Requests that may succeed when retried are tried three times. */
export class AzureStorage {
  readonly #resources: Resources
  readonly #transport: HttpTransport
  readonly #account: string
  readonly #base: URL
  readonly #key: Buffer | undefined
  readonly #sas: readonly (readonly [string, string])[]
  readonly #tokens: EntraTokens | undefined

  /** Throws {@link ConfigError} if there is no account. */
  constructor(config: Config, service: Service, resources: Resources) {
    const { host } = resources
    this.#resources = resources
    const connection = connectionOf(config.storage_connection_string, service, name => host.env(name))
    const account = connection.get('accountname') ?? config.storage_account
    const endpoint = connection.get(`${service}endpoint`)
    if (account === '' && endpoint === undefined) throw new ConfigError('invalid azure storage account credentials')
    const protocol = connection.get('defaultendpointsprotocol') ?? 'https'
    const suffix = connection.get('endpointsuffix') ?? 'core.windows.net'
    const url = endpoint ?? `${protocol}://${account}.${service}.${suffix}`
    const base = URL.parse(url)
    if (base === null) throw new ConfigError(`invalid azure storage account credentials: ${url} is not a URL`)
    const isConnection = config.storage_connection_string !== ''
    const key = isConnection ? connection.get('accountkey') : config.storage_access_key
    const sas = isConnection ? connection.get('sharedaccesssignature') : config.storage_sas_token
    this.#account = account
    this.#base = base
    this.#key = key ? Buffer.from(key, 'base64') : undefined
    this.#sas = sas && !key ? [...new URLSearchParams(sas.replace(/^\?/, ''))] : []
    if (isConnection && !key && !sas) {
      throw new ConfigError(
        'invalid azure storage account credentials: the connection string needs AccountKey or SharedAccessSignature',
      )
    }
    const machine = {
      env: (name: string) => host.env(name),
      readFile: async (path: string) => (await host.files.readFile(path)).toString('utf8'),
      dispatcher: () => host.network.dispatcher(),
    }
    this.#tokens = key || sas ? undefined : new EntraTokens(machine)
    this.#transport = new HttpTransport({ environment: host.network.proxyVariables, sockets: host.network })
  }

  /** Throws an {@link AzureError} for an unsuccessful response. */
  request(call: Call): Promise<Answer> {
    return this.#repeated(call, async ({ headers, body }) => ({ headers, text: await textOf(body) }))
  }

  /** Like {@link request}, for a response of any length, whose body must be read to the end or destroyed. */
  open(call: Call): Promise<HttpResponse> {
    return this.#repeated(call, response => Promise.resolve(response))
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  /** Retries a call; resolves to the result of `take` for a successful response. */
  async #repeated<T>(call: Call, take: (response: HttpResponse) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let failure: Error
      try {
        const response = await this.#send(call)
        const { statusCode, headers, body } = response
        if (statusCode < 300) return await take(response)
        failure = errorOf(call.operation, statusCode, headers, await textOf(body))
      } catch (error) {
        if (!isHttpConnectionError(error) || call.signal?.aborted === true) throw error
        failure = new Error(`${call.operation}: ${messageOf(error)}`, { cause: error })
      }
      if (attempt === ATTEMPTS || !isTransient(failure)) throw failure
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + this.#resources.host.random() / 2), call.signal)
    }
  }

  async #send({ method, path, query = {}, headers: extra = {}, body, signal }: Call): Promise<HttpResponse> {
    const folder = this.#base.pathname.replace(/\/$/, '')
    const wholePath = `${folder}/${path.map(part => part.split('/').map(encodeURIComponent).join('/')).join('/')}`
    const pairs = Object.entries(query)
    const headers: Record<string, string> = {
      'x-ms-date': new Date(this.#resources.clock.now()).toUTCString(),
      'x-ms-version': VERSION,
      ...extra,
    }
    if (this.#key !== undefined) {
      headers['authorization'] = sharedKeyAuthorization(this.#account, this.#key, {
        method,
        path: wholePath,
        query: pairs,
        headers,
        contentLength: body?.byteLength ?? 0,
      })
    } else if (this.#tokens !== undefined) {
      headers['authorization'] = `Bearer ${await this.#tokens.get()}`
    }
    const search = new URLSearchParams([...pairs, ...this.#sas].map(([name, value]) => [name, value])).toString()
    return this.#transport.request(`${this.#base.origin}${wholePath}${search && `?${search}`}`, {
      method,
      headers,
      // A put without a body must explicitly declare an empty one.
      body: body ?? (method === 'PUT' ? new Uint8Array() : null),
      timeoutMs: ANSWER_TIMEOUT_MS,
      ...(signal !== undefined && { signal }),
    })
  }
}

const isDevelopment = (connection: string): boolean => /(?:^|;)UseDevelopmentStorage=true(?:;|$)/i.test(connection)

const DEVELOPMENT_PORTS = { blob: '10000', queue: '10001' } as const
/** The account of every emulator, whose key Microsoft publishes. */
const DEVELOPMENT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** The parts of a connection string, by lower-case name. */
function connectionOf(
  text: string,
  service: Service,
  env: (name: string) => string | undefined,
): ReadonlyMap<string, string> {
  if (isDevelopment(text)) {
    const port = env(developmentPortVariable(service)) || DEVELOPMENT_PORTS[service]
    return new Map([
      ['accountname', 'devstoreaccount1'],
      ['accountkey', DEVELOPMENT_KEY],
      [`${service}endpoint`, `http://127.0.0.1:${port}/devstoreaccount1`],
    ])
  }
  const parts = text.split(';').filter(part => part.includes('='))
  return new Map(
    parts.map(part => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]
    }),
  )
}

function addressOfConnection(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const endpoint = /(?:^|;)\s*(?:Queue|Blob)Endpoint=([^;]+)/i.exec(value)?.[1]
  return endpoint === undefined ? undefined : addressOfUrl(endpoint)
}

async function textOf(body: HttpResponse['body']): Promise<string> {
  return (await wholeBody(body, { maxBytes: maxAnswerBytes })).toString('utf8')
}

function errorOf(operation: string, status: number, headers: HttpResponse['headers'], text: string): AzureError {
  const named = headers['x-ms-error-code']
  const code = typeof named === 'string' ? named : (elementText(text, 'Code') ?? '')
  return new AzureError(operation, status, code, elementText(text, 'Message')?.split('\n')[0] ?? '')
}
