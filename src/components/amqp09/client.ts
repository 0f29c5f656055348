import type { ChannelModel, Options } from 'amqplib'
import { messageOf } from '../../base/index.ts'
import { ConfigError, field, type Infer, type Resources, tlsField, tlsOptions } from '../../engine/index.ts'

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

/**
 * Validates the settings and returns a function that connects to the first server that accepts; an error on a
 * connection closes it. Throws {@link ConfigError}.
 */
export function amqpConnector(
  { urls, tls }: { readonly urls: readonly string[]; readonly tls: Infer<typeof tlsField> | undefined },
  { host, log }: Resources,
): () => Promise<ChannelModel> {
  const servers = urls
    .flatMap(text => text.split(','))
    .map(text => text.trim())
    .filter(text => text !== '')
    .map(text => parseUrl(text, tls?.enabled === true))
  if (servers.length === 0) throw new ConfigError('must specify at least one URL')
  const security = tls?.enabled === true ? tlsOptions(tls, path => host.files.readFileSync(path).toString('utf8')) : {}
  return async () => {
    const { connect, credentials } = await import('amqplib')
    let failure: unknown
    for (const { options, signsInByCertificate } of servers) {
      try {
        const connection = await connect(options, {
          ...security,
          lookup: host.network.lookup,
          timeout: connectTimeoutMs,
          noDelay: true,
          // The EXTERNAL mechanism, in which the client's certificate identifies it.
          ...(signsInByCertificate ? { credentials: credentials.external() } : {}),
        })
        connection.on('error', error => log.debug(`AMQP connection failed: ${messageOf(error)}`))
        return connection
      } catch (error) {
        failure = refusedHost(error)
          ? new Error(`no access to the virtual host '${decodeURIComponent(options.vhost)}'`)
          : error
      }
    }
    throw new Error(`failed to connect to server: ${messageOf(failure)}`, { cause: failure })
  }
}

/**
 * Whether the server authenticated the client, but closed the connection when it named a virtual host; the library
 * gives no error code.
 */
function refusedHost(error: unknown): boolean {
  return messageOf(error).startsWith('Expected ConnectionOpenOk; got <ConnectionClose')
}

interface Server {
  readonly options: Options.Connect & { readonly hostname: string; readonly port: number; readonly vhost: string }
  readonly signsInByCertificate: boolean
}

function parseUrl(text: string, isEncrypted: boolean): Server {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') {
    throw new ConfigError(`amqp: '${text}' is not a URL; expected amqp://user:password@host:5672/vhost`)
  }
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') {
    throw new ConfigError(`amqp: the scheme '${url.protocol.slice(0, -1)}' is not supported; use amqp:// or amqps://`)
  }
  const usesTls = isEncrypted || url.protocol === 'amqps:'
  const hasUser = url.username !== '' || url.password !== ''
  const vhost = decodeURIComponent(url.pathname.slice(1))
  const heartbeat = url.searchParams.get('heartbeat')
  return {
    options: {
      protocol: usesTls ? 'amqps' : 'amqp',
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || (usesTls ? 5671 : 5672)),
      ...(hasUser ? { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) } : {}),
      vhost: vhost === '' ? '/' : encodeURIComponent(vhost),
      heartbeat: heartbeat === null ? heartbeatSeconds : Number(heartbeat),
    },
    signsInByCertificate: isEncrypted && !hasUser,
  }
}

function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.includes('${')) return undefined
  try {
    const { hostname, port } = parseUrl(value.split(',')[0]!.trim(), false).options
    return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
  } catch {
    return undefined // reported when the component is created
  }
}
