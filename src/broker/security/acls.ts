// ACLs as in Kafka (KIP-11, KIP-290): values, matching, decisions. Everything here is pure.

/** Names in the order of Kafka's numbers on the wire; a filter may say `any`. */
export const resourceTypes = [
  'unknown',
  'any',
  'topic',
  'group',
  'cluster',
  'transactional_id',
  'delegation_token',
  'user',
] as const
export const patternTypes = ['unknown', 'any', 'match', 'literal', 'prefixed'] as const
export const operations = [
  'unknown',
  'any',
  'all',
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'cluster_action',
  'describe_configs',
  'alter_configs',
  'idempotent_write',
  'create_tokens',
  'describe_tokens',
  'two_phase_commit',
] as const
export const permissions = ['unknown', 'any', 'deny', 'allow'] as const

export type ResourceType = Exclude<(typeof resourceTypes)[number], 'unknown' | 'any'>
export type PatternType = 'literal' | 'prefixed'
export type Operation = Exclude<(typeof operations)[number], 'unknown' | 'any'>
export type Permission = 'allow' | 'deny'

/** One rule: allows or denies a principal, from a host, an operation on what the pattern names. */
export interface Acl {
  readonly resourceType: ResourceType
  /** A name, a prefix of names for a prefixed pattern, or `*` for all. */
  readonly resourceName: string
  readonly patternType: PatternType
  /** `User:name`, or `User:*` for everyone. */
  readonly principal: string
  /** An IP address, or `*`. */
  readonly host: string
  readonly operation: Operation
  readonly permission: Permission
}

/** The only resource of the type `cluster`. */
export const clusterResource = 'kafka-cluster'

/**
 * Criteria for ACLs; omitted fields match anything. The pattern type `match` finds every pattern that covers the name.
 */
export interface AclFilter {
  readonly resourceType?: ResourceType
  readonly resourceName?: string
  readonly patternType?: PatternType | 'match'
  readonly principal?: string
  readonly host?: string
  readonly operation?: Operation
  readonly permission?: Permission
}

/** A question to an authorizer. */
export interface AccessQuestion {
  /** All names of the requesting principal; an ACL for any of them counts. */
  readonly principals: readonly string[]
  readonly host: string
  readonly operation: Operation
  readonly resourceType: ResourceType
  readonly resourceName: string
}

/** The operations that imply each operation: a client that may read a topic may describe it. A DENY implies nothing. */
const implying: Partial<Record<Operation, readonly Operation[]>> = {
  describe: ['describe', 'read', 'write', 'delete', 'alter'],
  describe_configs: ['describe_configs', 'alter_configs'],
}

/** ACLs indexed for decisions. Immutable: a change of ACLs creates a new set. */
export class AclSet {
  /** Literal patterns by `type name`; wildcards are under the name `*`. */
  readonly #literal = new Map<string, Acl[]>()
  /** Prefixed patterns by type. */
  readonly #prefixed = new Map<ResourceType, Acl[]>()
  readonly acls: readonly Acl[]

  constructor(acls: readonly Acl[]) {
    this.acls = acls
    for (const acl of acls) {
      if (acl.patternType === 'prefixed') push(this.#prefixed, acl.resourceType, acl)
      else push(this.#literal, literalKey(acl.resourceType, acl.resourceName), acl)
    }
  }

  /** DENY takes precedence over ALLOW, and what no ACL allows is denied. */
  allows(access: AccessQuestion): boolean {
    const { resourceType, resourceName } = access
    let allowed = false
    for (const acls of this.#covering(resourceType, resourceName)) {
      for (const acl of acls) {
        if (!coversName(acl, resourceName) || !concerns(acl, access)) continue
        if (acl.permission === 'deny') {
          if (acl.operation === 'all' || acl.operation === access.operation) return false
        } else if (!allowed) {
          allowed =
            acl.operation === 'all' || (implying[access.operation] ?? [access.operation]).includes(acl.operation)
        }
      }
    }
    return allowed
  }

  /**
   * Whether the operation is allowed on any resource of a type: some ALLOW must not be overridden by a DENY
   * with the same or a wider pattern (KIP-679).
   */
  allowsAny(access: Omit<AccessQuestion, 'resourceName'>): boolean {
    const relevant = this.acls.filter(acl => acl.resourceType === access.resourceType && concerns(acl, access))
    const denies = relevant.filter(
      acl => acl.permission === 'deny' && (acl.operation === 'all' || acl.operation === access.operation),
    )
    const wanted = implying[access.operation] ?? [access.operation]
    return relevant.some(
      acl =>
        acl.permission === 'allow' &&
        (acl.operation === 'all' || wanted.includes(acl.operation)) &&
        !denies.some(deny => isWider(deny, acl)),
    )
  }

  find(filter: AclFilter): Acl[] {
    return this.acls.filter(acl => matchesFilter(acl, filter))
  }

  *#covering(type: ResourceType, name: string): Iterable<readonly Acl[]> {
    yield this.#literal.get(literalKey(type, name)) ?? []
    if (name !== '*') yield this.#literal.get(literalKey(type, '*')) ?? []
    yield this.#prefixed.get(type) ?? []
  }
}

export function matchesFilter(acl: Acl, filter: AclFilter): boolean {
  return (
    (filter.resourceType === undefined || filter.resourceType === acl.resourceType) &&
    matchesPattern(acl, filter) &&
    (filter.principal === undefined || filter.principal === acl.principal) &&
    (filter.host === undefined || filter.host === acl.host) &&
    (filter.operation === undefined || filter.operation === acl.operation) &&
    (filter.permission === undefined || filter.permission === acl.permission)
  )
}

export function aclKey(acl: Acl): string {
  return JSON.stringify([
    acl.resourceType,
    acl.resourceName,
    acl.patternType,
    acl.principal,
    acl.host,
    acl.operation,
    acl.permission,
  ])
}

function matchesPattern(acl: Acl, { patternType, resourceName }: AclFilter): boolean {
  if (patternType !== undefined && patternType !== 'match' && patternType !== acl.patternType) return false
  if (resourceName === undefined) return true
  if (patternType !== 'match') return acl.resourceName === resourceName
  return coversName(acl, resourceName)
}

function coversName(acl: Acl, name: string): boolean {
  if (acl.patternType === 'prefixed') return name.startsWith(acl.resourceName)
  return acl.resourceName === name || acl.resourceName === '*'
}

function concerns(acl: Acl, { principals, host }: Pick<AccessQuestion, 'principals' | 'host'>): boolean {
  return (acl.principal === 'User:*' || principals.includes(acl.principal)) && (acl.host === '*' || acl.host === host)
}

/** Whether `outer` covers every name that `inner` covers. */
function isWider(outer: Acl, inner: Acl): boolean {
  if (outer.patternType === 'literal') {
    if (outer.resourceName === '*') return true
    return inner.patternType === 'literal' && inner.resourceName === outer.resourceName
  }
  return inner.resourceName !== '*' && inner.resourceName.startsWith(outer.resourceName)
}

function literalKey(type: ResourceType, name: string): string {
  return `${type} ${name}`
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
