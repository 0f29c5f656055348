import type { GroupPartitionsAssigner } from '@platformatic/kafka'

/**
 * Assigns the partitions of each topic by Kafka's `range` strategy: its members, ordered by id, get consecutive
 * partitions, and the first ones get one more where the count does not divide evenly.
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
