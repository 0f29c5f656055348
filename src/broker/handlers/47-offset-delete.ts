// OffsetDelete v0: forgets a group's offsets of single partitions (KIP-496).
//
// Behaviour: topics that members of the group are subscribed to are refused.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('OffsetDelete', {
  async handle({ groupId, topics }, { broker }) {
    const group = await broker.groups.describe(groupId)
    if (group === undefined) return { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, throttleTimeMs: 0, topics: [] }
    // Who is no consumer does not say what it is subscribed to, so nothing of it may be taken away.
    if (group.members.size > 0 && group.protocolType !== 'consumer') {
      return { errorCode: ErrorCode.NON_EMPTY_GROUP, throttleTimeMs: 0, topics: [] }
    }
    const subscribed = await broker.groups.subscribedTopics(groupId)
    const { byName } = await broker.metadata.refresh()
    const doomed: { topic: string; partition: number }[] = []
    const answers = topics.map(({ name, partitions }) => {
      const topic = byName.get(name)
      return {
        name,
        partitions: partitions.map(({ partitionIndex }) => {
          if (topic?.partitions[partitionIndex] === undefined) {
            return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
          }
          if (subscribed.has(name)) return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }
          doomed.push({ topic: topic.id, partition: partitionIndex })
          return { partitionIndex, errorCode: ErrorCode.NONE }
        }),
      }
    })
    await broker.metadata.deleteOffsets(groupId, doomed)
    return { errorCode: ErrorCode.NONE, topics: answers }
  },
})
