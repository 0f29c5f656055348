import type { ClientConfig, PubSub, v1 } from '@google-cloud/pubsub'
import { once } from 'node:events'
import { messageOf } from '../../base/index.ts'
import { field, type Infer, type Resources } from '../../engine/index.ts'
import { addressOfEndpoint, credentialsFields, GcpSession, isPlain } from './session.ts'

export const pubsubFields = {
  endpoint: field
    .string('An alternative endpoint of the service, such as a regional one; without TLS if it begins with `http://`.')
    .needs('network', value => addressOfEndpoint(value))
    .default('')
    .examples('us-central1-pubsub.googleapis.com:443', 'us-west3-pubsub.googleapis.com:443'),
  ...credentialsFields,
} as const

interface ClientOptions extends Infer<typeof pubsubFields> {
  readonly project: string
}

const DEFAULT_ENDPOINT = 'pubsub.googleapis.com:443'

/**
 * Credentials for an emulator: they are never sent, but without them the library would search the machine for
 * credentials.
 */
const NOBODY = { type: 'authorized_user', client_id: 'nobody', client_secret: '-', refresh_token: '-' }

/** Returns a function that creates a client. Throws `ConfigError` for an invalid key. */
export function pubsubConnector(options: ClientOptions, resources: Resources): () => Promise<PubSub> {
  const session = new GcpSession(options, resources)
  return async () => {
    const emulator = options.endpoint === '' && options.credentials_json === '' ? emulatorOf(resources) : ''
    const endpoint = options.endpoint || emulator || DEFAULT_ENDPOINT
    const plain = isPlain(endpoint)
    const credentials = plain ? undefined : await session.credentials()
    await connectOnce(endpoint, resources)
    if (plain) return emulatorClient(options.project, endpoint)
    const { PubSub: Client } = await import('@google-cloud/pubsub')
    return new Client({
      projectId: options.project,
      apiEndpoint: endpoint,
      emulatorMode: false,
      // The library checks the document by its type; ours only says that it is one.
      ...(credentials !== undefined && { credentials: credentials as ClientConfig['credentials'] }),
    })
  }
}

/**
 * Checks whether the service can be reached, because the library would silently retry for as long as it cannot. Skipped
 * with a proxy, which only the library knows how to use.
 */
async function connectOnce(endpoint: string, { host: { network }, signal }: Resources): Promise<void> {
  if (Object.entries(network.proxyVariables).some(([name, value]) => /^(?:https|grpc)_proxy$/i.test(name) && value))
    return
  const { hostname, port } = new URL(/^https?:\/\//.test(endpoint) ? endpoint : `https://${endpoint}`)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = network.connect({ host, port: Number(port || (isPlain(endpoint) ? 80 : 443)), signal })
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error(`no connection to ${endpoint} in time`)))
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}

const CONNECT_TIMEOUT_MS = 10_000

/** A client without TLS and credentials. */
export async function emulatorClient(project: string, endpoint: string): Promise<PubSub> {
  const { PubSub: Client } = await import('@google-cloud/pubsub')
  return new Client({ projectId: project, apiEndpoint: endpoint, emulatorMode: true, credentials: NOBODY })
}

/** The text of an error with the name of its code, which the library includes only in some of them. */
export function reasonOf(error: unknown): string {
  const text = messageOf(error)
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  if (typeof code !== 'number') return text
  const name = CODES[code]
  return name === undefined || text.includes(name) ? text : `${code} ${name}: ${text}`
}

/** A client for single requests of a subscription, with the settings of another client. */
export async function subscriberOf(client: PubSub): Promise<v1.SubscriberClient> {
  const { v1: library } = await import('@google-cloud/pubsub')
  // The library's own types disagree about the port, which is a number here.
  const options = (await client.getClientConfig()) as ConstructorParameters<typeof library.SubscriberClient>[0]
  return new library.SubscriberClient(options)
}

/** The emulator named by the environment, as in Google's own clients. */
function emulatorOf({ host }: Resources): string {
  const address = host.env('PUBSUB_EMULATOR_HOST')
  return address ? `http://${address.replace(/^http:\/\//, '')}` : ''
}

/** The names of the gRPC codes, by number. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]
