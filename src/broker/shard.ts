/** The number of partitions of Kafka's __consumer_offsets. All brokers of a cluster must agree on it. */
export const shardCount = 50

/** The lease under which a group is coordinated. Groups share leases, so that few need renewal. */
export function leaseOfGroup(groupId: string): string {
  return `groups/${shardOf(groupId)}`
}

/** The lease under which a transactional id is coordinated. */
export function leaseOfTransaction(transactionalId: string): string {
  return `transactions/${shardOf(transactionalId)}`
}

/** The shard of a group or transactional id, which is its partition in Kafka's internal topics. */
export function shardOf(key: string): number {
  let hash = 0
  for (let index = 0; index < key.length; index++) hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0
  return (hash & 0x7fffffff) % shardCount
}
