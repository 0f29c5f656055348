import { Buffer } from 'node:buffer'
import type { ConnectionOptions, MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import { type Interpolation, textOfMetadata, type Value } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  evaluated,
  field,
  type Infer,
  metadataFilter,
  type Resources,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'

export const urlsField = field
  .string(
    'The servers to connect to, with user and password if needed; an element may list several, separated by commas.',
  )
  .needs('network', addressOf)
  .list()
  .examples(['nats://127.0.0.1:4222'], ['nats://username:password@127.0.0.1:4222'])

export const securityFields = {
  tls: tlsField.optional(),
  auth: field
    .object(
      {
        nkey_file: field
          .string('A file with the seed of an NKey.')
          .needs('files')
          .optional()
          .advanced()
          .examples('./user.nk'),
        user_credentials_file: field
          .string('A credentials file with a user JWT and the seed of its NKey.')
          .needs('files')
          .optional()
          .advanced()
          .examples('./user.creds'),
        user_jwt: field.string('The user JWT; requires `user_nkey_seed`.').optional().advanced().secret(),
        user_nkey_seed: field
          .string("The seed of the user's NKey; requires `user_jwt`.")
          .optional()
          .advanced()
          .secret(),
      },
      'How the client authenticates.',
    )
    .optional()
    .advanced(),
}

/** A mapping that extracts the tracing span of a message. */
export const inputTracingFields = {
  extract_tracing_map: field
    .mapping('A mapping that extracts the tracing span of a message.')
    .optional()
    .advanced()
    .examples('root = @'),
  new_root_span_with_link: field.bool('Whether each message starts a new trace.').optional().advanced(),
}

export const outputTracingField = field
  .mapping('A mapping that injects the tracing span into a message.')
  .optional()
  .advanced()
  .examples('meta = @.assign(this)')

export interface ConnectionConfig {
  readonly urls: readonly string[]
  readonly tls: Infer<typeof tlsField> | undefined
  readonly auth: Infer<(typeof securityFields)['auth']>
}

/**
 * Validates the settings and returns a function that connects, with the label of the component as client name. With
 * `reconnects` the library re-establishes the connection; otherwise its loss closes it. Throws {@link ConfigError}.
 */
export function natsConnector(
  config: ConnectionConfig,
  resources: Resources,
  more: ConnectionOptions & { readonly reconnects: boolean },
): () => Promise<NatsConnection> {
  const { reconnects, ...own } = more
  const servers = config.urls.flatMap(urls => urls.split(',')).map(url => parseUrl(url.trim()))
  if (servers.length === 0) throw new ConfigError('nats: at least one URL is needed')
  const { auth, tls } = config
  if ((auth?.user_jwt === undefined) !== (auth?.user_nkey_seed === undefined)) {
    const missing = auth?.user_jwt === undefined ? 'user_jwt' : 'user_nkey_seed'
    throw new ConfigError(`missing auth.${missing} config field`)
  }
  const { files } = resources.host
  const options: ConnectionOptions = {
    ...own,
    servers: servers.map(({ address }) => address),
    reconnect: reconnects,
    maxReconnectAttempts: -1,
    noAsyncTraces: true,
    ...(resources.label === '' ? {} : { name: resources.label }),
    ...(tls?.enabled === true ? { tls: tlsOptions(tls, path => files.readFileSync(path).toString('utf8')) } : {}),
    ...credentialsOf(servers),
  }
  return async () => {
    const library = await import('@nats-io/transport-node')
    const authenticators = []
    if (auth?.nkey_file) {
      authenticators.push(
        library.nkeyAuthenticator(Buffer.from((await files.readFile(auth.nkey_file)).toString().trim())),
      )
    }
    if (auth?.user_credentials_file) {
      authenticators.push(library.credsAuthenticator(await files.readFile(auth.user_credentials_file)))
    }
    if (auth?.user_jwt !== undefined && auth.user_nkey_seed !== undefined) {
      authenticators.push(library.jwtAuthenticator(auth.user_jwt, Buffer.from(auth.user_nkey_seed.trim())))
    }
    const connection = await library.connect({
      ...options,
      ...(authenticators.length > 0 ? { authenticator: authenticators } : {}),
    })
    void logStatus(connection, resources)
    return connection
  }
}

/** Logs status changes of a connection that the library maintains. */
async function logStatus(connection: NatsConnection, { log }: Resources): Promise<void> {
  for await (const status of connection.status()) {
    switch (status.type) {
      case 'disconnect':
        log.warn(`Connection to NATS server ${status.server} lost`)
        break
      case 'reconnect':
        log.info(`Connected to NATS server ${status.server} again`)
        break
      case 'error':
        log.error(`nats operation failed: ${status.error.message}`)
        break
      case 'slowConsumer':
        log.error(`nats operation failed: slow consumer, ${status.pending} messages wait`)
        break
      default:
        break
    }
  }
}

interface Server {
  readonly address: string
  readonly username: string
  readonly password: string
}

function parseUrl(text: string): Server {
  const url = URL.parse(text.includes('://') ? text : `nats://${text}`)
  if (url === null || url.hostname === '') throw new ConfigError(`nats: '${text}' is no URL; expected nats://host:4222`)
  if (!['nats:', 'tls:'].includes(url.protocol)) {
    throw new ConfigError(`nats: the scheme '${url.protocol.slice(0, -1)}' is not supported; use nats:// or tls://`)
  }
  return {
    address: `${url.hostname}:${url.port || '4222'}`,
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

/** The credentials in the first URL that has some; a user name without a password is a token. */
function credentialsOf(servers: readonly Server[]): Partial<ConnectionOptions> {
  const found = servers.find(({ username }) => username !== '')
  if (found === undefined) return {}
  return found.password === '' ? { token: found.username } : { user: found.username, pass: found.password }
}

function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.includes('${')) return undefined
  try {
    return parseUrl(value.split(',')[0]!.trim()).address
  } catch {
    return undefined // reported when the component is created
  }
}

export const headerFields = {
  headers: field.interpolated('Headers by name.').map().default({}).examples({ 'Content-Type': 'application/json' }),
  metadata: field
    .object(
      {
        include_prefixes: field.string('Prefixes of metadata keys.').list().default([]),
        include_patterns: field.string('Regular expressions for metadata keys.').list().default([]),
      },
      'Which metadata becomes headers.',
    )
    .optional(),
}

interface HeaderConfig {
  readonly headers: Readonly<Record<string, Interpolation>>
  readonly metadata: Infer<(typeof headerFields)['metadata']>
}

/** Returns a function that creates the headers of a message, undefined if it has none. `create` is the library's. */
export function headersMaker(
  config: HeaderConfig,
): (create: () => MsgHdrs, batch: Batch, index: number) => MsgHdrs | undefined {
  const own = Object.entries(config.headers)
  const includes = config.metadata === undefined ? undefined : metadataFilter(config.metadata)
  if (own.length === 0 && includes === undefined) return () => undefined
  return (create, batch, index) => {
    const headers = create()
    for (const [name, text] of own) {
      headers.append(
        name,
        evaluated(`header ${name}`, () => text.eval(batch, index)),
      )
    }
    if (includes !== undefined) {
      for (const [key, value] of batch[index]!.metadata) {
        if (includes(key)) headers.append(key, textOfMetadata(value))
      }
    }
    return headers
  }
}

/** Adds the first value of each header as metadata. */
export function addHeaders(metadata: Map<string, Value>, headers: MsgHdrs | undefined): void {
  if (headers === undefined) return
  for (const name of headers.keys()) metadata.set(name, headers.get(name))
}

/**
 * Resolves once the server has received everything sent; throws if the connection is lost before that, which the
 * library does not report.
 */
export async function flushed(connection: NatsConnection): Promise<void> {
  const lost = connection.closed().then(error => error ?? new Error('the connection was closed'))
  const error = await Promise.race([connection.flush(), lost])
  if (error !== undefined) throw error
  if (connection.isClosed()) throw new Error('the connection was closed')
}

/** A connection for components that the engine does not connect: it is made on first use, and again if that failed. */
export class OnDemandConnection<T> {
  readonly #open: () => Promise<{ readonly connection: NatsConnection; readonly value: T }>
  #opened: Promise<{ readonly connection: NatsConnection; readonly value: T }> | null = null

  /** `bind` creates what is used of each connection. */
  constructor(connect: () => Promise<NatsConnection>, bind: (connection: NatsConnection) => Promise<T>) {
    this.#open = async () => {
      const connection = await connect()
      try {
        return { connection, value: await bind(connection) }
      } catch (error) {
        await connection.close()
        throw error
      }
    }
  }

  async use(): Promise<T> {
    if (this.#opened === null) {
      const opened = this.#open()
      this.#opened = opened
      opened.catch(() => {
        if (this.#opened === opened) this.#opened = null
      })
    }
    return (await this.#opened).value
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => null)
    await opened?.connection.close()
  }
}
