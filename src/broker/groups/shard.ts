/** As many as Kafka's __consumer_offsets has partitions. All brokers of a cluster must agree on it. */
const SHARDS = 50

/** The lease under which a group is coordinated. Groups share leases, so that few have to be renewed. */
export function leaseOfGroup(groupId: string): string {
  let hash = 0
  for (let index = 0; index < groupId.length; index++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(index)) | 0
  return `groups/${(hash & 0x7fffffff) % SHARDS}`
}
