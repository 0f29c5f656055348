import { messageOf } from '../../base/index.ts'
import { readFile } from 'node:fs/promises'
import { type Dispatcher, request } from 'undici'
import { StorageError } from '../errors.ts'

interface Token {
  readonly value: string
  readonly expiresAt: number
}

/** Where credentials are searched. */
interface Machine {
  env(name: string): string | undefined
  readFile(path: string): Promise<string>
  /** Makes the connections of one request; absent to use the process's own. */
  dispatcher?(): Dispatcher
}

const ownMachine: Machine = { env: name => process.env[name], readFile: path => readFile(path, 'utf8') }

const RESOURCE = 'https://storage.azure.com/'
const RENEW_BEFORE_MS = 5 * 60 * 1000
const TIMEOUT_MS = 10_000

/**
 * Tokens of Microsoft Entra for a store without a key: a client secret (AZURE_TENANT_ID, AZURE_CLIENT_ID,
 * AZURE_CLIENT_SECRET), workload identity (AZURE_FEDERATED_TOKEN_FILE), App Service (IDENTITY_ENDPOINT), or the managed
 * identity of the instance, in the order in which Microsoft's own library tries them.
 */
export class EntraTokens {
  readonly #machine: Machine
  #token: Token | undefined
  #loading: Promise<Token> | undefined

  constructor(machine: Machine = ownMachine) {
    this.#machine = machine
  }

  async get(): Promise<string> {
    if (this.#token !== undefined && this.#token.expiresAt - Date.now() > RENEW_BEFORE_MS) return this.#token.value
    this.#loading ??= load(this.#machine).finally(() => {
      this.#loading = undefined
    })
    this.#token = await this.#loading
    return this.#token.value
  }

  forget(): void {
    this.#token = undefined
  }
}

async function load(machine: Machine): Promise<Token> {
  const ask = asker(machine)
  const names = [
    'AZURE_TENANT_ID',
    'AZURE_CLIENT_ID',
    'AZURE_CLIENT_SECRET',
    'AZURE_AUTHORITY_HOST',
    'AZURE_FEDERATED_TOKEN_FILE',
    'IDENTITY_ENDPOINT',
    'IDENTITY_HEADER',
  ]
  const env = Object.fromEntries(names.map(name => [name, machine.env(name)]))
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = env
  const authority = (env['AZURE_AUTHORITY_HOST'] || 'https://login.microsoftonline.com').replace(/\/$/, '')
  const tokenUrl = `${authority}/${tenant}/oauth2/v2.0/token`
  if (tenant && client && env['AZURE_CLIENT_SECRET']) {
    return ask('POST', tokenUrl, { client_id: client, client_secret: env['AZURE_CLIENT_SECRET'], ...GRANT })
  }
  if (tenant && client && env['AZURE_FEDERATED_TOKEN_FILE']) {
    const assertion = (await machine.readFile(env['AZURE_FEDERATED_TOKEN_FILE'])).trim()
    return ask('POST', tokenUrl, {
      client_id: client,
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      ...GRANT,
    })
  }
  const identity = { resource: RESOURCE, ...(client ? { client_id: client } : {}) }
  if (env['IDENTITY_ENDPOINT'] && env['IDENTITY_HEADER']) {
    const query = new URLSearchParams({ 'api-version': '2019-08-01', ...identity })
    return ask('GET', `${env['IDENTITY_ENDPOINT']}?${query.toString()}`, undefined, {
      'x-identity-header': env['IDENTITY_HEADER'],
    })
  }
  const query = new URLSearchParams({ 'api-version': '2018-02-01', ...identity })
  return ask('GET', `http://169.254.169.254/metadata/identity/oauth2/token?${query.toString()}`, undefined, {
    metadata: 'true',
  })
}

const GRANT = { grant_type: 'client_credentials', scope: `${RESOURCE}.default` }

type Ask = (
  method: 'GET' | 'POST',
  url: string,
  form: Readonly<Record<string, string>> | undefined,
  headers?: Readonly<Record<string, string>>,
) => Promise<Token>

const asker =
  (machine: Machine): Ask =>
  async (method, url, form, headers = {}) => {
    const dispatcher = machine.dispatcher?.()
    try {
      const { statusCode, body } = await request(url, {
        method,
        headers: form === undefined ? headers : { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: form === undefined ? null : new URLSearchParams(form).toString(),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(dispatcher !== undefined && { dispatcher }),
      })
      // The response of a token endpoint; any field may be missing.
      const answer = (await body.json()) as {
        access_token?: string
        expires_in?: number | string
        error_description?: string
      }
      if (answer.access_token === undefined) throw new Error(answer.error_description ?? `HTTP status ${statusCode}`)
      return { value: answer.access_token, expiresAt: Date.now() + Number(answer.expires_in ?? 300) * 1000 }
    } catch (cause) {
      throw new StorageError(
        'failed',
        `no Azure credentials: set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or give this machine an identity (${messageOf(cause)})`,
        { cause },
      )
    } finally {
      await dispatcher?.close()
    }
  }
