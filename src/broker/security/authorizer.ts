import { type Clock, type Log, waitOrAbort } from '../../base/index.ts'
import type { AclRules, Metadata } from '../../metadata/index.ts'
import { type Acl, AclSet, clusterResource, operations, type Operation, type ResourceType } from './acls.ts'
import { ErrorCode } from '../../kafka/index.ts'
import type { SaslIdentity } from './sasl.ts'

/** What one client may do; every handler checks it before it answers for a resource. */
export interface Access {
  allows(operation: Operation, resourceType: ResourceType, resourceName: string): boolean
  /** Whether the operation is allowed on any resource of the type. */
  allowsAny(operation: Operation, resourceType: ResourceType): boolean
  /** Everything is allowed, so that resources need not be checked one by one. */
  readonly isUnlimited: boolean
}

/** Without ACLs everything is allowed to everyone. */
const allowAll: Access = { allows: () => true, allowsAny: () => true, isUnlimited: true }

/** The identity of a client: its names and address. */
export interface Asking {
  /** `User:name`; a user of the HTTP API is also known by the name of its credential. */
  readonly principals: readonly string[]
  readonly superuser: boolean
  readonly host: string
}

/** How often other brokers' rules are polled, in milliseconds. */
const POLL_MS = 2_000

/** Decides by the ACLs of the cluster, which it caches in memory and polls for changes. */
export class AclAuthorizer {
  readonly #metadata: Metadata
  readonly #clock: Clock
  readonly #log: Log
  readonly #abort = new AbortController()
  #rules: AclRules = { version: -1, mode: 'off', acls: [] }
  #set = new AclSet([])

  /** Loads the rules first, so that nothing is decided without them. */
  static async open(options: {
    readonly metadata: Metadata
    readonly clock: Clock
    readonly log: Log
  }): Promise<AclAuthorizer> {
    const authorizer = new AclAuthorizer(options.metadata, options.clock, options.log)
    await authorizer.refresh()
    void authorizer.#poll()
    return authorizer
  }

  private constructor(metadata: Metadata, clock: Clock, log: Log) {
    this.#metadata = metadata
    this.#clock = clock
    this.#log = log
  }

  /** Whether ACLs are enforced, so that the APIs about them are served. */
  get isEnabled(): boolean {
    return this.#rules.mode === 'on'
  }

  get acls(): AclSet {
    return this.#set
  }

  accessOf(asking: Asking): Access {
    if (this.#rules.mode === 'off' || asking.superuser) return allowAll
    const access = new AclAccess(this.#set, asking)
    return this.#rules.mode === 'on' ? access : new ShadowAccess(access, asking, this.#log)
  }

  /** Reloads the rules if they have changed; called after a change of our own. */
  async refresh(): Promise<void> {
    if ((await this.#metadata.securityVersion()) !== this.#rules.version) this.adopt(await this.#metadata.aclRules())
  }

  /** Decides by these rules from now on. */
  adopt(rules: AclRules): void {
    if (rules.version <= this.#rules.version) return
    this.#rules = rules
    // Stored values were validated when they were stored, with the same vocabulary.
    this.#set = new AclSet(rules.acls as readonly Acl[])
  }

  close(): void {
    this.#abort.abort()
  }

  async #poll(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      await waitOrAbort(this.#clock, POLL_MS, signal)
      if (signal.aborted) return
      // While the database is unreachable the rules stay as they are; the next round tries again.
      await this.refresh().catch((error: Error) => this.#log.debug('cannot read the ACLs', { error: error.message }))
    }
  }
}

class AclAccess implements Access {
  readonly isUnlimited = false
  readonly #acls: AclSet
  readonly #asking: Asking

  constructor(acls: AclSet, asking: Asking) {
    this.#acls = acls
    this.#asking = asking
  }

  allows(operation: Operation, resourceType: ResourceType, resourceName: string): boolean {
    const { principals, host } = this.#asking
    return this.#acls.allows({ principals, host, operation, resourceType, resourceName })
  }

  allowsAny(operation: Operation, resourceType: ResourceType): boolean {
    const { principals, host } = this.#asking
    return this.#acls.allowsAny({ principals, host, operation, resourceType })
  }
}

/** Allows everything, and logs what the ACLs would have denied. */
class ShadowAccess implements Access {
  readonly isUnlimited = false
  readonly #access: Access
  readonly #asking: Asking
  readonly #log: Log

  constructor(access: Access, asking: Asking, log: Log) {
    this.#access = access
    this.#asking = asking
    this.#log = log
  }

  allows(operation: Operation, resourceType: ResourceType, resourceName: string): boolean {
    if (!this.#access.allows(operation, resourceType, resourceName)) this.#note(operation, resourceType, resourceName)
    return true
  }

  allowsAny(operation: Operation, resourceType: ResourceType): boolean {
    if (!this.#access.allowsAny(operation, resourceType)) this.#note(operation, resourceType, '*')
    return true
  }

  #note(operation: Operation, resourceType: ResourceType, resourceName: string): void {
    const principal = this.#asking.principals[0]!
    this.#log.warn('ACLs would deny an access', { principal, operation, resourceType, resourceName })
  }
}

/** The identity that a connection uses for access checks. */
export function askingAs(
  identity: SaslIdentity | undefined,
  certificateName: string | undefined,
  host: string,
): Asking {
  if (identity !== undefined) {
    const { principal, aliases, superuser } = identity
    return { principals: [principal.name, ...aliases].map(name => `User:${name}`), superuser, host }
  }
  return { principals: [`User:${certificateName ?? 'ANONYMOUS'}`], superuser: false, host }
}

/** The operations allowed on a resource, as the bits of Kafka's "authorized operations" (KIP-430). */
export function authorizedOperations(access: Access, resourceType: ResourceType, resourceName: string): number {
  let bits = 0
  for (const operation of operationsOf[resourceType] ?? []) {
    if (access.allows(operation, resourceType, resourceName)) bits |= 1 << operations.indexOf(operation)
  }
  return bits
}

/** The value if a client did not ask for its operations. */
export const operationsNotAsked = -2147483648

const operationsOf: Partial<Record<ResourceType, readonly Operation[]>> = {
  topic: ['read', 'write', 'create', 'delete', 'alter', 'describe', 'describe_configs', 'alter_configs'],
  group: ['read', 'delete', 'describe', 'describe_configs', 'alter_configs'],
  cluster: ['create', 'alter', 'describe', 'cluster_action', 'describe_configs', 'alter_configs', 'idempotent_write'],
}

/** Whether a client may perform an operation on the cluster as a whole. */
export function allowsCluster(access: Access, operation: Operation): boolean {
  return access.allows(operation, 'cluster', clusterResource)
}

/** The answer to the APIs about ACLs while they are not enforced, as from Kafka without an authorizer. */
export const securityDisabled = {
  errorCode: ErrorCode.SECURITY_DISABLED,
  errorMessage: 'No Authorizer is configured.',
} as const
