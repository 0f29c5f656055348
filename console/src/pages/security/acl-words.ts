import type { Acl } from '../../api/types.ts'

/** The resource types of ACLs and the operations on each, as in Kafka. */
export const operationsOf = {
  TOPIC: ['ALL', 'READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['ALL', 'READ', 'DELETE', 'DESCRIBE'],
  CLUSTER: [
    'ALL',
    'CREATE',
    'ALTER',
    'DESCRIBE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
  ],
  TRANSACTIONAL_ID: ['ALL', 'WRITE', 'DESCRIBE'],
} as const satisfies Readonly<Partial<Record<Acl['resource_type'], readonly Acl['operation'][]>>>

/** The only resource of the type CLUSTER. */
export const clusterResource = 'kafka-cluster'

/** `describe configs` */
export function operationLabel(operation: string): string {
  return operation === 'ALL' ? 'do everything' : operation.toLowerCase().replaceAll('_', ' ')
}

/** `topic orders`, `topics that begin with orders.`, `every group` */
export function resourceLabel({ resource_type, resource_name, pattern_type }: Acl): string {
  if (resource_type === 'CLUSTER') return 'the cluster'
  const type = resource_type.toLowerCase().replaceAll('_', ' ')
  if (pattern_type === 'PREFIXED') return `${type}s that begin with ${resource_name}`
  return resource_name === '*' ? `every ${type}` : `${type} ${resource_name}`
}

/** The whole ACL in words. */
export function aclSentence(acl: Acl): string {
  const may = acl.permission_type === 'ALLOW' ? 'may' : 'may not'
  const from = acl.host === '*' ? '' : ` from ${acl.host}`
  return `${acl.principal} ${may} ${operationLabel(acl.operation)}${from}: ${resourceLabel(acl)}.`
}
