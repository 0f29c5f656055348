/** Kafka's ACL operations by their number, as bits of "authorized operations" (KIP-430). Without ACLs everybody may do everything. */
const bit = {
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
}

/** The answer when the client did not ask. */
export const operationsNotAsked = -2147483648

export const topicOperations = bits(
  'read',
  'write',
  'create',
  'delete',
  'alter',
  'describe',
  'describeConfigs',
  'alterConfigs',
)
export const groupOperations = bits('read', 'delete', 'describe', 'describeConfigs', 'alterConfigs')
export const clusterOperations = bits(
  'create',
  'alter',
  'describe',
  'clusterAction',
  'describeConfigs',
  'alterConfigs',
  'idempotentWrite',
)

function bits(...names: readonly (keyof typeof bit)[]): number {
  return names.reduce((sum, name) => sum | (1 << bit[name]), 0)
}
