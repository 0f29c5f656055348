import { messageOf, serverName } from '../../base/index.ts'
import {
  ConfigError,
  field,
  type Infer,
  type Resources,
  tlsField,
  tlsOptions,
  withDeadline,
} from '../../engine/index.ts'
import { AmqpError, AmqpSession, type SessionEvents, type SignIn } from './session.ts'

export const clientFields = {
  urls: field
    .string('The servers, tried in turn; an element may list several, separated by commas.')
    .needs('network', addressOf)
    .list()
    .examples(
      ['amqp://guest:guest@127.0.0.1:5672/'],
      ['amqp://127.0.0.1:5672/,amqp://127.0.0.2:5672/'],
      ['amqp://127.0.0.1:5672/', 'amqp://127.0.0.2:5672/'],
    ),
}

export const securityFields = { tls: tlsField.optional() }

/** How long connecting may take, as in the original's client. */
const connectTimeoutMs = 30_000
/** A connection without traffic for twice this long counts as lost; a URL can override it with `?heartbeat=`. */
const heartbeatSeconds = 10

/** Connects to the first server that accepts. */
export type AmqpConnect = (events: SessionEvents, signal: AbortSignal) => Promise<AmqpSession>

/** Validates the settings and returns a function that connects. Throws {@link ConfigError}. */
export function amqpConnector(
  { urls, tls }: { readonly urls: readonly string[]; readonly tls: Infer<typeof tlsField> | undefined },
  { host: { files, network } }: Resources,
): AmqpConnect {
  const servers = urls
    .flatMap(text => text.split(','))
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(text => parseUrl(text, tls?.enabled === true))
  if (servers.length === 0) throw new ConfigError('must specify at least one URL')
  const security = tls?.enabled === true ? tlsOptions(tls, path => files.readFileSync(path).toString('utf8')) : {}
  const dial = ({ host, port, isEncrypted }: Server) =>
    isEncrypted
      ? network.connectTls({ ...security, host, port, servername: serverName(host) })
      : network.connect({ host, port, noDelay: true })
  return async (events, signal) => {
    let failure: unknown
    for (const server of servers) {
      try {
        return await withDeadline('connecting', connectTimeoutMs, signal, limit =>
          AmqpSession.open(dial(server), server.signIn, events, limit),
        )
      } catch (error) {
        failure = isMissingHost(error)
          ? new Error(`no access to the virtual host '${server.signIn.virtualHost}'`, { cause: error })
          : error
      }
    }
    throw new Error(`failed to connect to server: ${messageOf(failure)}`, { cause: failure })
  }
}

/** NOT_ALLOWED: the user is known, but the virtual host is not, or is not for this user. */
function isMissingHost(error: unknown): boolean {
  return error instanceof AmqpError && error.code === 530
}

interface Server {
  readonly host: string
  readonly port: number
  readonly isEncrypted: boolean
  readonly signIn: SignIn
}

function parseUrl(text: string, usesTls: boolean): Server {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') {
    throw new ConfigError(`amqp: '${text}' is not a URL; expected amqp://user:password@host:5672/vhost`)
  }
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') {
    throw new ConfigError(`amqp: the scheme '${url.protocol.slice(0, -1)}' is not supported; use amqp:// or amqps://`)
  }
  const isEncrypted = usesTls || url.protocol === 'amqps:'
  const hasUser = url.username !== '' || url.password !== ''
  const user = hasUser
    ? { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
    : { name: 'guest', password: 'guest' }
  const virtualHost = decodeURIComponent(url.pathname.slice(1))
  const heartbeat = url.searchParams.get('heartbeat')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isEncrypted ? 5671 : 5672)),
    isEncrypted,
    signIn: {
      // The EXTERNAL mechanism, in which the client's certificate identifies it.
      user: usesTls && !hasUser ? null : user,
      virtualHost: virtualHost === '' ? '/' : virtualHost,
      heartbeatSeconds: heartbeat === null ? heartbeatSeconds : Number(heartbeat),
    },
  }
}

function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.includes('${')) return undefined
  try {
    const { host, port } = parseUrl(value.split(',')[0]!.trim(), false)
    return `${host.includes(':') ? `[${host}]` : host}:${port}`
  } catch {
    return undefined // reported when the component is created
  }
}
