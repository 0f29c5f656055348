import type { GroupPartitionsAssigner } from '@platformatic/kafka'

/**
 * Shares the partitions of each topic by Kafka's `range`: its members, in the order of their ids, get consecutive partitions,
 * the first ones one more where the number does not divide.
 */
export const assignRanges: GroupPartitionsAssigner = (_current, members, topics, metadata) => {
  const assigned = [...members.keys()].toSorted().map(memberId => ({
    memberId,
    assignments: new Map<string, { topic: string; partitions: number[] }>(),
  }))
  for (const topic of topics) {
    const count = metadata.topics.get(topic)?.partitionsCount ?? 0
    const readers = assigned.filter(({ memberId }) => members.get(memberId)?.topics?.includes(topic) ?? true)
    const share = Math.floor(count / readers.length)
    let next = 0
    for (const [index, { assignments }] of readers.entries()) {
      const size = share + (index < count % readers.length ? 1 : 0)
      if (size > 0) assignments.set(topic, { topic, partitions: Array.from({ length: size }, () => next++) })
    }
  }
  return assigned
}
