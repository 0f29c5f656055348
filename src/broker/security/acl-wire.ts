// Converts ACLs between Kafka's numbers on the wire and our names.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import {
  type Acl,
  type AclFilter,
  clusterResource,
  operations,
  type Operation,
  patternTypes,
  type Permission,
  permissions,
  type ResourceType,
  resourceTypes,
} from './acls.ts'
import { parsePrincipal } from './principal.ts'

interface WireFilter {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

interface WireAcl {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

/** Parses a client's filter. Throws INVALID_REQUEST for values that Kafka does not define. */
export function readFilter(filter: WireFilter): AclFilter {
  return {
    ...optional('resourceType', word(resourceTypes, filter.resourceTypeFilter, 'resource type')),
    ...(filter.resourceNameFilter === null ? {} : { resourceName: filter.resourceNameFilter }),
    ...optional('patternType', word(patternTypes, filter.patternTypeFilter, 'pattern type')),
    ...(filter.principalFilter === null ? {} : { principal: filter.principalFilter }),
    ...(filter.hostFilter === null ? {} : { host: filter.hostFilter }),
    ...optional('operation', word(operations, filter.operation, 'operation')),
    ...optional('permission', word(permissions, filter.permissionType, 'permission type')),
  } as AclFilter // `optional` returns fields under any name; these are the filter's
}

/** Parses an ACL to be created. Throws INVALID_REQUEST if it could never decide anything. */
export function readAcl(acl: WireAcl): Acl {
  const resourceType = definite(resourceTypes, acl.resourceType, 'resource type')
  const patternType = definite(patternTypes, acl.resourcePatternType, 'pattern type')
  if (patternType === 'match') throw invalid('Pattern type MATCH is for filters only')
  if (acl.resourceName === '') throw invalid('Resource name should not be empty')
  if (resourceType === 'cluster' && acl.resourceName !== clusterResource) {
    throw invalid(`The only valid name for the CLUSTER resource is ${clusterResource}`)
  }
  if (parsePrincipal(acl.principal) === undefined) throw invalid(`Invalid principal ${acl.principal}: use User:name`)
  return {
    resourceType: resourceType as ResourceType, // types that name no resource were refused above
    resourceName: acl.resourceName,
    patternType,
    principal: acl.principal,
    host: acl.host,
    // `definite` refuses the values that only filters have.
    operation: definite(operations, acl.operation, 'operation') as Operation,
    // As above.
    permission: definite(permissions, acl.permissionType, 'permission type') as Permission,
  }
}

/** Encodes an ACL with Kafka's numbers. */
export function writeAcl(acl: Acl) {
  return {
    resourceType: resourceTypes.indexOf(acl.resourceType),
    resourceName: acl.resourceName,
    patternType: patternTypes.indexOf(acl.patternType),
    principal: acl.principal,
    host: acl.host,
    operation: operations.indexOf(acl.operation),
    permissionType: permissions.indexOf(acl.permission),
  }
}

function optional(name: string, value: string): Record<string, string> {
  return value === 'any' ? {} : { [name]: value }
}

function word<Words extends readonly string[]>(words: Words, index: number, what: string): Words[number] {
  const found = words[index]
  if (found === undefined || found === 'unknown') throw invalid(`Unknown ${what} ${index}`)
  return found
}

function definite<Words extends readonly string[]>(words: Words, index: number, what: string) {
  const found = word(words, index, what)
  if (found === 'any') throw invalid(`ANY is not a valid ${what} of an ACL`)
  return found as Exclude<Words[number], 'unknown' | 'any'> // `word` refuses the first, the line above the second
}

function invalid(message: string): KafkaError {
  return new KafkaError(ErrorCode.INVALID_REQUEST, message)
}
