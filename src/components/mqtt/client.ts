import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type { IClientOptions, MqttClient } from 'mqtt'
import { serverName } from '../../base/index.ts'
import { ConfigError, field, type Infer, type Resources, tlsField, tlsOptions } from '../../engine/index.ts'

export const clientFields = {
  urls: field
    .string('The brokers, tried in turn; an element may list several, separated by commas.')
    .needs('network', addressOf)
    .list()
    .examples(['tcp://localhost:1883']),
  client_id: field.string('The client id, which must be unique at the broker.').default(''),
  dynamic_client_id_suffix: field
    .string('A suffix added to `client_id`, so that several clients with the same configuration can connect.')
    .options({ nanoid: '21 random characters.' }, false)
    .optional()
    .advanced(),
  connect_timeout: field.duration('How long connecting may take.').default('30s').examples('1s', '500ms'),
  will: field
    .object(
      {
        enabled: field.bool('Whether to set a last will.').default(false).advanced(),
        qos: field.int('The quality of service of the message: 0, 1 or 2.').default(0).advanced(),
        retained: field.bool('Whether the broker retains the message for later subscribers.').default(false).advanced(),
        topic: field.string('The topic of the message.').default('').advanced(),
        payload: field.string('The content of the message.').default('').advanced(),
      },
      'The last will: a message that the broker publishes when this client is lost.',
    )
    .optional()
    .advanced(),
  user: field.string('The user name.').default('').advanced(),
  password: field.string('The password.').default('').advanced().secret(),
  keepalive: field
    .int('The keep-alive interval in seconds, after which an idle connection is probed.')
    .default(30)
    .advanced(),
  tls: tlsField.optional(),
}

type ClientConfig = Infer<typeof clientFields>

/**
 * Validates the settings and returns a function that connects to the first broker that accepts. `prepare` receives each
 * client before anything arrives on it, because a broker may send messages of a session directly after accepting.
 * Throws {@link ConfigError}.
 */
export function mqttConnector(
  config: ClientConfig,
  { host }: Resources,
  own: IClientOptions & { readonly writeTimeoutMs?: number },
  prepare: (client: MqttClient) => void = () => undefined,
): (signal: AbortSignal) => Promise<MqttClient> {
  const servers = config.urls.flatMap(urls => urls.split(',')).map(url => parseUrl(url.trim()))
  if (servers.length === 0) throw new ConfigError('mqtt: at least one URL is needed')
  const { will, tls } = config
  if (will?.enabled === true && will.topic === '') throw new ConfigError('include topic to register a last will')
  const security = tls?.enabled === true ? tlsOptions(tls, path => host.files.readFileSync(path).toString('utf8')) : {}
  const { writeTimeoutMs = 0, ...more } = own
  const options: IClientOptions = {
    ...more,
    protocolVersion: 4,
    // Its default asks for each packet, several times, whether DEBUG is set: a tenth of the time of a message.
    log: () => undefined,
    reconnectPeriod: 0,
    resubscribe: false,
    connectTimeout: config.connect_timeout ?? 30_000,
    keepalive: config.keepalive,
    clientId: config.client_id + suffixOf(config.dynamic_client_id_suffix, () => host.random()),
    ...(config.user !== '' && { username: config.user }),
    ...(config.password !== '' && { password: config.password }),
    ...(will?.enabled === true && {
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: qosOf(will.qos), retain: will.retained },
    }),
  }
  const dial = ({ name, port, encrypted }: Server): Socket =>
    encrypted || tls?.enabled === true
      ? host.network.connectTls({ host: name, port, servername: serverName(name), ...security })
      : host.network.connect({ host: name, port })
  return async signal => {
    const { MqttClient } = await import('mqtt')
    let failure: unknown
    for (const server of servers) {
      try {
        const connect = () => limited(dial(server), writeTimeoutMs)
        return await opened(open => new MqttClient(() => open(connect()), options), prepare, signal)
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }
}

/** A socket that is destroyed when its peer accepts none of the pending data for this long; 0 for no limit. */
function limited(socket: Socket, writeTimeoutMs: number): Socket {
  if (writeTimeoutMs <= 0) return socket
  // Also emitted when nothing is being written, in which case there is nothing to time out.
  return socket.setTimeout(writeTimeoutMs).on('timeout', () => {
    if (socket.writableLength > 0) socket.destroy(new Error(`the broker took nothing for ${writeTimeoutMs} ms`))
  })
}

/** Resolves once a broker has accepted the client; rejects with the reason why there is no connection. */
async function opened(
  make: (open: (socket: Socket) => Socket) => MqttClient,
  prepare: (client: MqttClient) => void,
  signal: AbortSignal,
): Promise<MqttClient> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let cause: Error | undefined
  const client = make(socket => socket.on('error', (error: Error) => void (cause ??= error)))
  prepare(client)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  client.on('connect', () => resolve())
  client.on('error', error => void (cause ??= error))
  client.on('close', () => {
    reject(cause ?? new Error('the broker closed the connection'))
    // The library would keep messages in flight for a connection that it makes itself.
    client.end(true)
  })
  try {
    await promise
    return client
  } catch (error) {
    client.end(true)
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

export type QualityOfService = 0 | 1 | 2

/** Throws {@link ConfigError} for anything other than 0, 1 and 2. */
export function qosOf(value: number): QualityOfService {
  if (value !== 0 && value !== 1 && value !== 2) throw new ConfigError(`mqtt: qos must be 0, 1 or 2, not ${value}`)
  return value
}

const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-'

function suffixOf(kind: string | undefined, random: () => number): string {
  if (kind === undefined || kind === '') return ''
  if (kind !== 'nanoid') throw new ConfigError(`unknown dynamic_client_id_suffix: ${kind}`)
  return Array.from({ length: 21 }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
}

interface Server {
  readonly name: string
  readonly port: number
  readonly encrypted: boolean
}

const plain: readonly string[] = ['tcp:', 'mqtt:']
const encrypted: readonly string[] = ['ssl:', 'tls:', 'mqtts:', 'tcps:', 'mqtt+ssl:']

function parseUrl(text: string): Server {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') throw new ConfigError(`mqtt: '${text}' is no URL; expected tcp://host:1883`)
  if (![...plain, ...encrypted].includes(url.protocol)) {
    throw new ConfigError(`mqtt: the scheme '${url.protocol.slice(0, -1)}' is not supported; use tcp:// or ssl://`)
  }
  const isEncrypted = encrypted.includes(url.protocol)
  return {
    name: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isEncrypted ? 8883 : 1883)),
    encrypted: isEncrypted,
  }
}

function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.includes('${')) return undefined
  try {
    const { name, port } = parseUrl(value.split(',')[0]!.trim())
    return `${name.includes(':') ? `[${name}]` : name}:${port}`
  } catch {
    return undefined // reported when the component is created
  }
}
