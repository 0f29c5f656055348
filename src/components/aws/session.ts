import { Readable } from 'node:stream'
import type { NodeHttpHandler } from '@smithy/node-http-handler'
import { CapabilityError, type Clock, codeOf } from '../../base/index.ts'
import {
  addressOfUrl,
  ConfigError,
  type ComponentHost,
  field,
  type Field,
  type FieldMap,
  type Infer,
  type Need,
  type Resources,
} from '../../engine/index.ts'

const METADATA_SERVICE = '169.254.169.254:80'

/** The credentials field shared by all AWS components. */
const credentialsField = field
  .object({
    profile: field
      .string('A profile from `~/.aws/credentials`.')
      .needsWhen(['files'], value => (value === '' ? [] : [{ capability: 'files' }]))
      .default('')
      .advanced(),
    id: field.string('The access key id.').default('').advanced(),
    secret: field.string('The secret access key.').default('').advanced().secret(),
    token: field.string('The session token.').default('').advanced(),
    from_ec2_role: field
      .bool('Whether to use the role of the EC2 instance.')
      .needsWhen(['network'], value => (value === true ? [{ capability: 'network', target: METADATA_SERVICE }] : []))
      .default(false)
      .advanced(),
    role: field.string('The ARN of a role to assume.').default('').advanced(),
    role_external_id: field.string('The external id for assuming the role.').default('').advanced(),
    expiry_window: field.duration('How long before its expiry a token is renewed.').default('').advanced(),
  })
  .optional()
  .advanced()

export const sessionFields = {
  region: field
    .string('The AWS region. Defaults to `AWS_REGION`, or the region of the profile.')
    .default('')
    .advanced()
    .examples('eu-central-1'),
  endpoint: field
    .string('An alternative endpoint of the AWS API.')
    .needs('network', value => addressOfUrl(value))
    .default('')
    .advanced()
    .examples('http://localhost:9000'),
  credentials: credentialsField,
} as const

/** Documentation shared by the AWS components. */
export const credentialsHelp =
  'Without `credentials` the usual sources are searched: environment variables, `~/.aws`, web identity tokens, and container and instance roles. Managed pipelines use `credentials.id` and `credentials.secret`, or the capabilities granted to them.'

export type SessionConfig = Infer<typeof sessionFields>

/**
 * The fields of an AWS component. Explicit credentials need only the network; the default sources also need the
 * environment.
 */
export function awsConfig<const F extends FieldMap>(fields: F): Field<Infer<F>> {
  return field.object(fields).needsWhen(['environment'], value => needsOfSession(value ?? {}))
}

/** A session as configured, before defaults. */
export interface WrittenSession {
  readonly region?: string
  readonly credentials?: Partial<Record<keyof NonNullable<SessionConfig['credentials']>, unknown>>
}

/** What a session needs besides the network, from its configuration as written. */
export function needsOfSession({ region = '', credentials = {} }: WrittenSession): readonly Need[] {
  const { profile = '', id = '', from_ec2_role: fromMachine = false } = credentials
  const hasSource = profile !== '' || id !== '' || fromMachine === true
  return [
    ...(hasSource ? [] : [{ capability: 'environment', target: 'AWS_ACCESS_KEY_ID' } as const]),
    ...(region === '' && profile === '' ? [{ capability: 'environment', target: 'AWS_REGION' } as const] : []),
  ]
}

/** The credentials that requests are signed with. */
export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

type Provider = () => Promise<Credentials>

/** More than any service responds with: the largest response is 16 MB, that of DynamoDB. */
const maxResponseBytes = 64 * 2 ** 20

/** Destroys the body of a response that becomes too large. The SDK collects it without a limit. */
function bound(body: unknown): void {
  if (!(body instanceof Readable)) return
  let sizeBytes = 0
  const push = body.push.bind(body)
  // Where Node's parser delivers chunks: a listener would start the stream before the SDK reads it.
  body.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk instanceof Uint8Array) sizeBytes += chunk.length
    if (sizeBytes <= maxResponseBytes) return push(chunk, encoding)
    body.destroy(new Error(`the response has more than ${maxResponseBytes} bytes`))
    return false
  }
}

/** Options shared by the clients of the AWS SDK. */
export interface ClientOptions {
  readonly region: string
  readonly endpoint?: string
  readonly credentials: Provider
  readonly maxAttempts: number
  readonly retryMode: 'standard'
  readonly defaultsMode: 'legacy'
  readonly requestHandler: NodeHttpHandler
}

interface HandlerOptions {
  readonly maxSockets?: number
  /**
   * Time in milliseconds after which an unanswered call fails and may be retried; 60,000 by default, since the longest
   * poll takes 20 seconds.
   */
  readonly timeoutMs?: number
}

/** The credentials, region and network of a component, for the SDK's clients and for requests signed here. */
export class AwsSession {
  readonly #config: SessionConfig
  readonly #host: ComponentHost
  readonly #clock: Clock
  readonly #expiryWindowMs: number
  #provider: Promise<Provider> | undefined
  #current: Credentials | undefined
  #loading: Promise<Credentials> | undefined
  #files: Promise<Profiles> | undefined

  constructor(config: SessionConfig, { host, clock }: Pick<Resources, 'host' | 'clock'>) {
    this.#config = config
    this.#host = host
    this.#clock = clock
    this.#expiryWindowMs = config.credentials?.expiry_window ?? 0
    const { endpoint } = config
    if (endpoint !== '' && !/^https?:\/\/[^/]/.test(endpoint)) {
      throw new ConfigError(`endpoint '${endpoint}' is no URL; expected http://host:port or https://host`)
    }
  }

  /** The configured region, otherwise that of the environment or the profile. Throws if there is none. */
  async region(): Promise<string> {
    const { region } = this.#config
    const found = region || this.#host.env('AWS_REGION') || this.#host.env('AWS_DEFAULT_REGION')
    if (found) return found
    const missing = 'an AWS region is required, but was not found: set region, or the variable AWS_REGION'
    const profile = this.#config.credentials?.profile || this.#host.env('AWS_PROFILE') || 'default'
    try {
      const { credentials, config } = await this.#profiles()
      const ofProfile = config.get(profile)?.get('region') ?? credentials.get(profile)?.get('region')
      if (ofProfile !== undefined) return ofProfile
    } catch (error) {
      if (!(error instanceof CapabilityError)) throw error
      throw new Error(`${missing}. ${error.message}`, { cause: error })
    }
    throw new Error(missing)
  }

  /** The base URL that replaces AWS itself for a service, without a trailing slash. */
  endpoint(service: string): string | undefined {
    const { env } = this.#host
    const found = this.#config.endpoint || env(`AWS_ENDPOINT_URL_${service}`) || env('AWS_ENDPOINT_URL') || undefined
    return found?.replace(/\/+$/, '')
  }

  /** The current credentials; they are renewed `expiry_window` before they expire. */
  readonly credentials = (): Promise<Credentials> => {
    const current = this.#current
    if (current !== undefined) {
      const expiresAt = current.expiration?.getTime() ?? Infinity
      if (expiresAt - this.#expiryWindowMs > this.#clock.now()) return Promise.resolve(current)
    }
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  /** Makes the next request load credentials again, for example after a response that says they have expired. */
  forgetCredentials(): void {
    this.#current = undefined
  }

  /** Options for the constructor of an SDK client. `service` as in `AWS_ENDPOINT_URL_SQS`. */
  async clientOptions(service: string, more: HandlerOptions = {}): Promise<ClientOptions> {
    const endpoint = this.endpoint(service)
    return {
      region: await this.region(),
      ...(endpoint !== undefined && { endpoint }),
      credentials: this.credentials,
      maxAttempts: 3,
      // Set explicitly, since the SDK would otherwise look it up in files and variables.
      retryMode: 'standard',
      defaultsMode: 'legacy',
      requestHandler: await this.#requestHandler(more),
    }
  }

  async #requestHandler({ maxSockets = 128, timeoutMs = 60_000 }: HandlerOptions = {}): Promise<NodeHttpHandler> {
    const { network } = this.#host
    const { default: handlers } = await import('@smithy/node-http-handler')
    const options = { keepAlive: true, maxSockets, proxyEnv: network.proxyVariables }
    class BoundedHandler extends handlers.NodeHttpHandler {
      override async handle(...call: Parameters<NodeHttpHandler['handle']>): ReturnType<NodeHttpHandler['handle']> {
        const result = await super.handle(...call)
        bound(result.response.body)
        return result
      }
    }
    // An instance, because from plain options some clients create an HTTP/2 handler, which opens its own sockets.
    return new BoundedHandler({
      httpAgent: network.agent(options),
      httpsAgent: network.secureAgent(options),
      connectionTimeout: 30_000,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    })
  }

  async #load(): Promise<Credentials> {
    this.#provider ??= this.#makeProvider()
    try {
      const found = await (await this.#provider)()
      this.#current = found
      return found
    } catch (error) {
      this.#provider = undefined
      throw error
    }
  }

  async #makeProvider(): Promise<Provider> {
    const { role = '', role_external_id: externalId = '', from_ec2_role: fromMachine } = this.#config.credentials ?? {}
    if (fromMachine === true) {
      const { fromInstanceMetadata } = await library()
      return fromInstanceMetadata({ maxRetries: 2, timeout: 2000 })
    }
    const base = await this.#baseProvider()
    if (role === '') return base
    const { fromTemporaryCredentials } = await library()
    const { region, endpoint, requestHandler } = await this.clientOptions('STS')
    return fromTemporaryCredentials({
      masterCredentials: base,
      params: {
        RoleArn: role,
        RoleSessionName: 'penstock',
        ...(externalId !== '' && { ExternalId: externalId }),
      },
      clientConfig: { region, ...(endpoint !== undefined && { endpoint }), requestHandler },
    })
  }

  /** The credentials for assuming a role, if one is assumed. */
  async #baseProvider(): Promise<Provider> {
    const { profile = '', id = '', secret = '', token = '' } = this.#config.credentials ?? {}
    if (profile !== '') return this.#profileProvider(profile)
    if (id !== '') return fixed(id, secret, token)
    const { env } = this.#host
    const [envId, envSecret] = [env('AWS_ACCESS_KEY_ID'), env('AWS_SECRET_ACCESS_KEY')]
    if (envId && envSecret) return fixed(envId, envSecret, env('AWS_SESSION_TOKEN') ?? '')
    try {
      const chosen = env('AWS_PROFILE') ?? ''
      const { credentials } = await this.#profiles()
      const found = keysOf(credentials.get(chosen || 'default'))
      if (found !== undefined) return found
    } catch (error) {
      if (!(error instanceof CapabilityError)) throw error
      throw new Error(`no AWS credentials: set credentials.id and credentials.secret. ${error.message}`, {
        cause: error,
      })
    }
    // Sources other than keys in variables and files are resolved by the vendor's library. It accesses the host
    // directly, so it is used only where everything is granted; a managed pipeline has failed before this point.
    const { fromNodeProviderChain } = await library()
    return fromNodeProviderChain({ clientConfig: await this.#stsOptions() })
  }

  async #profileProvider(profile: string): Promise<Provider> {
    const { credentials, config } = await this.#profiles()
    const found = keysOf(credentials.get(profile)) ?? keysOf(config.get(profile))
    if (found !== undefined) return found
    if (!credentials.has(profile) && !config.has(profile)) {
      throw new Error(`failed to get shared config profile, ${profile}`)
    }
    if (this.#host.refusal !== undefined) {
      throw new Error(`the AWS profile ${profile} has no keys of its own, which managed pipelines need`)
    }
    const { fromIni } = await library()
    return fromIni({ profile, clientConfig: await this.#stsOptions() })
  }

  async #stsOptions(): Promise<{ readonly region?: string; readonly requestHandler: NodeHttpHandler }> {
    const region = await this.region().catch(() => undefined)
    return { ...(region !== undefined && { region }), requestHandler: await this.#requestHandler() }
  }

  /** The shared files; a missing one counts as empty. Throws `CapabilityError` if access is not granted. */
  #profiles(): Promise<Profiles> {
    this.#files ??= this.#readProfiles().catch((error: unknown) => {
      this.#files = undefined
      throw error
    })
    return this.#files
  }

  async #readProfiles(): Promise<Profiles> {
    const { env, files } = this.#host
    const home = env('HOME') || env('USERPROFILE') || '~'
    const read = async (path: string) => {
      try {
        return parseProfiles((await files.readFile(path)).toString('utf8'))
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return new Map<string, Map<string, string>>()
        throw error
      }
    }
    return {
      credentials: await read(env('AWS_SHARED_CREDENTIALS_FILE') || `${home}/.aws/credentials`),
      config: await read(env('AWS_CONFIG_FILE') || `${home}/.aws/config`),
    }
  }
}

type ProfileFile = ReadonlyMap<string, ReadonlyMap<string, string>>

interface Profiles {
  readonly credentials: ProfileFile
  readonly config: ProfileFile
}

/** Sections of `~/.aws/config` and `~/.aws/credentials` by name, without the `profile` prefix. */
function parseProfiles(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>()
  let current: Map<string, string> | undefined
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*(?:[#;]|$)/.test(line)) continue
    const title = /^\s*\[\s*(?:profile\s+)?(.+?)\s*\]/.exec(line)?.[1]
    if (title !== undefined) {
      current = sections.get(title) ?? new Map<string, string>()
      sections.set(title, current)
      continue
    }
    const [, name, value] = /^([^=\s]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (name !== undefined) current?.set(name, value!)
  }
  return sections
}

function keysOf(profile: ReadonlyMap<string, string> | undefined): Provider | undefined {
  const [id, secret] = [profile?.get('aws_access_key_id'), profile?.get('aws_secret_access_key')]
  return id && secret ? fixed(id, secret, profile?.get('aws_session_token') ?? '') : undefined
}

function fixed(accessKeyId: string, secretAccessKey: string, sessionToken: string): Provider {
  const found = { accessKeyId, secretAccessKey, ...(sessionToken !== '' && { sessionToken }) }
  return () => Promise.resolve(found)
}

const library = async () => (await import('@aws-sdk/credential-providers')).default
