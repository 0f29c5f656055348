// OffsetDelete v0: deletes a group's offsets for individual partitions (KIP-496).
//
// Behaviour: topics that members of the group subscribe to are refused.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'

export default defineHandler('OffsetDelete', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ groupId, topics }, { access, broker }) {
    if (!access.allows('delete', 'group', groupId)) {
      return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED, throttleTimeMs: 0, topics: [] }
    }
    if (groupId === '') return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] }
    const { errorCode, group } = await broker.groups.describe(groupId)
    if (group === undefined) return { errorCode, throttleTimeMs: 0, topics: [] }
    // Members that are not consumers do not declare their subscriptions, so none of the group's offsets may be deleted.
    if (group.type === 'classic' && group.members.size > 0 && group.protocolType !== 'consumer') {
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
          if (!access.allows('read', 'topic', name)) {
            return { partitionIndex, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }
          }
          if (topic?.partitions[partitionIndex] === undefined) {
            return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
          }
          const isSubscribed = subscribed === undefined || subscribed.has(name)
          if (isSubscribed) return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }
          doomed.push({ topic: topic.id, partition: partitionIndex })
          return { partitionIndex, errorCode: ErrorCode.NONE }
        }),
      }
    })
    const problem = await broker.groups.deleteOffsets(groupId, doomed)
    if (problem !== ErrorCode.NONE) return { errorCode: problem, throttleTimeMs: 0, topics: [] }
    const gone = answers.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ errorCode: code }) => code === ErrorCode.NONE)
        .map(({ partitionIndex: partition }) => ({ topic: name, partition, committed: null })),
    )
    await broker.offsetsTopic.copy(groupId, gone)
    return { errorCode: ErrorCode.NONE, topics: answers }
  },
  failed: (_request, errorCode) => ({ errorCode, topics: [] }),
})
