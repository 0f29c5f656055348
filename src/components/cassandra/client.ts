import type { Client, errors, policies, types } from 'cassandra-driver'
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { asError, fieldsOf, messageOf } from '../../base/index.ts'
import {
  ConfigError,
  field,
  type Infer,
  type Need,
  NotConnectedError,
  type Resources,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'
import type { CqlType } from './values.ts'

const DEFAULT_PORT = 9042

/** The fields shared by the Cassandra components. */
export const clientFields = {
  addresses: field
    .string('The nodes, as `host:port` with the default port 9042; an element may list several, separated by commas.')
    .needsWhen(['network'], needsOfAddresses)
    .list()
    .examples(['localhost:9042'], ['foo:9042', 'bar:9042'], ['foo:9042,bar:9042']),
  tls: tlsField,
  password_authenticator: field
    .object(
      {
        enabled: field.bool('Whether to authenticate with a user name and password.').default(false).advanced(),
        username: field.string('The user name.').default('').advanced(),
        password: field.string('The password.').default('').secret().advanced(),
      },
      'How the client authenticates.',
    )
    .advanced(),
  disable_initial_host_lookup: field
    .bool('Whether to use only the nodes in `addresses`, rather than all nodes that they announce.')
    .default(false)
    .advanced(),
  max_retries: field
    .int(
      'How often a request is retried for which too few replicas were available, or that timed out before any replica had it.',
    )
    .default(3)
    .advanced(),
  backoff: field
    .object(
      {
        initial_interval: field
          .duration('The interval before the first retry; later ones grow up to `max_interval`.')
          .default('1s')
          .advanced(),
        max_interval: field.duration('The maximum interval between retries.').default('5s').advanced(),
      },
      'The intervals between attempts.',
    )
    .advanced(),
  timeout: field.duration('How long connecting and each request may take.').default('600ms'),
} as const

export type ClientConfig = Infer<typeof clientFields>

/** A prepared statement, with the types of its arguments. */
interface Prepared {
  readonly meta: { readonly columns: readonly { readonly name: string; readonly type: CqlType }[] }
}

/** The part of the driver that prepares statements. */
interface PrepareHandler {
  getPrepared(
    client: Client,
    loadBalancing: policies.loadBalancing.LoadBalancingPolicy,
    query: string,
    keyspace?: string,
  ): Promise<Prepared>
}

/** A node as reported by the driver, whose types omit that its pool can be shut down. */
interface ForgottenHost {
  shutdown(waitsForPending: boolean): Promise<void>
}

/** A connected driver. */
export interface Connected {
  readonly client: Client
  readonly types: typeof types
  readonly errors: typeof errors
  /** The argument types of a statement; the nodes are asked only once. */
  argumentsOf(query: string): Promise<readonly CqlType[]>
}

/** Connects to a cluster once, on demand, and tracks whether it is available. */
export class Cluster {
  readonly #config: ClientConfig
  readonly #resources: Resources
  readonly #nodes: readonly Node[]
  #connected: Connected | undefined

  /** Throws `ConfigError` for an invalid address. */
  constructor(config: ClientConfig, resources: Resources) {
    this.#config = config
    this.#resources = resources
    this.#nodes = nodesOf(config.addresses)
    if (this.#nodes.length === 0) throw new ConfigError('addresses names no node')
  }

  /** Resolves once a node has responded. */
  async connect(): Promise<void> {
    try {
      this.#connected ??= await this.#open()
      await this.#connected.client.execute('SELECT key FROM system.local')
    } catch (error) {
      throw new Error(`creating Cassandra session: ${reasonOf(error)}`, { cause: error })
    }
  }

  /** Runs something with the driver. Rejects with `NotConnectedError` if no node can be reached. */
  async run<T>(use: (connected: Connected) => Promise<T>): Promise<T> {
    const connected = this.#connected
    if (connected === undefined) throw new NotConnectedError()
    try {
      return await use(connected)
    } catch (error) {
      const isLost = error instanceof connected.errors.NoHostAvailableError || fieldsOf(error)['isSocketError'] === true
      throw isLost ? new NotConnectedError(new Error(reasonOf(error), { cause: error })) : error
    }
  }

  async close(): Promise<void> {
    await this.#connected?.client.shutdown()
  }

  async #open(): Promise<Connected> {
    const library = (await import('cassandra-driver')).default
    // @ts-expect-error: the driver's types do not cover its internals; only this part knows argument types
    const part: unknown = (await import('cassandra-driver/lib/prepare-handler.js')).default
    const handler = part as PrepareHandler // as in the driver's pinned version
    const { loadBalancing, reconnection, retry } = library.policies
    const { timeout: timeoutMs = 600, password_authenticator: login } = this.#config
    const contactPoints = await this.#contactPoints()
    const all = new loadBalancing.RoundRobinPolicy()
    const balancing = this.#config.disable_initial_host_lookup
      ? new loadBalancing.AllowListPolicy(all, contactPoints)
      : all
    const client = new library.Client({
      contactPoints,
      ...(login.enabled && { authProvider: new library.auth.PlainTextAuthProvider(login.username, login.password) }),
      ...(this.#config.tls.enabled && { sslOptions: this.#tls() }),
      socketOptions: { connectTimeout: timeoutMs, readTimeout: timeoutMs },
      policies: {
        loadBalancing: balancing,
        retry: new retry.FallthroughRetryPolicy(),
        reconnection: new reconnection.ExponentialReconnectionPolicy(200, 10_000, true),
      },
      isMetadataSyncEnabled: false,
      monitorReporting: { enabled: false },
    })
    // When all nodes are lost, the driver creates new records for them and drops the old ones, whose pools would retry
    // connecting indefinitely.
    client.on('hostRemove', (host: ForgottenHost) => {
      host
        .shutdown(false)
        .catch((error: unknown) => this.#resources.log.debug(`Failed to end a pool: ${messageOf(error)}`))
    })
    try {
      await client.connect()
    } catch (error) {
      await client.shutdown()
      throw error
    }
    return {
      client,
      types: library.types,
      errors: library.errors,
      async argumentsOf(query) {
        const { meta } = await handler.getPrepared(client, balancing, query)
        return meta.columns.map(({ type }) => type)
      },
    }
  }

  /** The addresses of the nodes, because the driver would otherwise resolve names itself. */
  async #contactPoints(): Promise<string[]> {
    const found = await Promise.allSettled(
      this.#nodes.map(async ({ host, port }) => `${await this.#resolve(host)}:${port}`),
    )
    const points = found.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
    if (points.length > 0) return points
    throw (found[0] as PromiseRejectedResult).reason // there is at least one, and none was resolved
  }

  #resolve(host: string): Promise<string> {
    if (isIP(host) !== 0) return Promise.resolve(bracketed(host))
    return new Promise((resolve, reject) =>
      this.#resources.host.network.lookup(host, {}, (error, address) =>
        error === null ? resolve(bracketed(String(address))) : reject(error),
      ),
    )
  }

  #tls() {
    const { files } = this.#resources.host
    const options = tlsOptions(this.#config.tls, path => files.readFileSync(path).toString('utf8'))
    const names = this.#nodes.map(({ host }) => host)
    return { ...options, checkServerIdentity: identityCheck(names) }
  }
}

interface Node {
  readonly host: string
  readonly port: number
}

function nodesOf(addresses: readonly string[]): readonly Node[] {
  return addresses
    .flatMap(each => each.split(','))
    .map(each => each.trim())
    .filter(each => each !== '')
    .map(address => {
      const [, v6, name, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(address) ?? []
      const host = v6 ?? name
      if (host === undefined) throw new ConfigError(`address '${address}' is none; expected host:port`)
      return { host, port: port === undefined ? DEFAULT_PORT : Number(port) }
    })
}

function needsOfAddresses(value: unknown): readonly Need[] {
  const text = typeof value === 'string' ? value : ''
  if (text === '' || text.includes('${')) return [{ capability: 'network' }]
  return text.split(',').map(each => {
    const address = each.trim()
    return { capability: 'network', target: /:\d+$/.test(address) ? address : `${address}:${DEFAULT_PORT}` }
  })
}

const bracketed = (address: string): string => (isIP(address) === 6 ? `[${address}]` : address)

/** The text of an error, with what happened at each node. */
function reasonOf(error: unknown): string {
  const inner = Object.entries(fieldsOf(fieldsOf(error)['innerErrors'])).map(
    ([node, each]) => `${node}: ${messageOf(asError(each))}`,
  )
  return inner.length === 0 ? messageOf(error) : inner.join('; ')
}

/**
 * Accepts a node's certificate if it is valid for the node's address or for any configured name: the driver connects to
 * addresses, and nodes announce each other by address.
 */
function identityCheck(names: readonly string[]) {
  return (address: string, { raw }: { readonly raw: Uint8Array }): Error | undefined => {
    const certificate = new X509Certificate(raw)
    const isFor = (name: string) =>
      (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
    if ([address, ...names].some(isFor)) return undefined
    return new Error(`the certificate of ${address} is neither for it nor for ${names.join(', ')}`)
  }
}
