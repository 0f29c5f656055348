// DescribeTopicPartitions v0: partitions of topics, sorted by name, page by page (KIP-966).
//
// Behaviour: an empty list requests all topics. A page ends at the client's limit, and a cursor names the next
// partition. A cursor at a topic that is not requested, or before the first partition, is INVALID_REQUEST.
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import type { Topic } from '../../metadata/index.ts'
import { type ClusterView, leaderEpoch } from '../cluster.ts'
import { offsetsTopicName } from '../groups/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'
import { authorizedOperations } from '../security/authorizer.ts'
import { topicNameProblem } from '../topics.ts'

type TopicAnswer = ResponseOf<'DescribeTopicPartitions'>['topics'][number]

const maxPartitionsPerPage = 2000

export default defineHandler('DescribeTopicPartitions', {
  async handle(request, { access, broker, clientId }) {
    const cluster = broker.cluster.seenBy(clientId)
    const { byName } = await broker.metadata.refresh()
    const { cursor } = request
    const isAll = request.topics.length === 0
    const mayDescribe = (name: string) => access.allows('describe', 'topic', name)
    const asked = new Set(isAll ? [...byName.keys()].filter(mayDescribe) : request.topics.map(({ name }) => name))
    if (cursor !== null && (cursor.partitionIndex < 0 || !(isAll || asked.has(cursor.topicName)))) {
      return { topics: [...asked].map(name => missing(name, ErrorCode.INVALID_REQUEST)), nextCursor: null }
    }
    const names = [...asked].toSorted().filter(name => cursor === null || name >= cursor.topicName)
    const topics: TopicAnswer[] = []
    let left = Math.min(Math.max(1, request.responsePartitionLimit), maxPartitionsPerPage)
    for (const name of names) {
      const topic = byName.get(name)
      const from = cursor?.topicName === name ? cursor.partitionIndex : 0
      if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } }
      if (!mayDescribe(name)) {
        topics.push(missing(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED))
        continue
      }
      const topicAuthorizedOperations = authorizedOperations(access, 'topic', name)
      if (topic === undefined) {
        const isLegal = topicNameProblem(name) === undefined
        const errorCode = ErrorCode[isLegal ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'INVALID_TOPIC_EXCEPTION']
        topics.push({ ...missing(name, errorCode), topicAuthorizedOperations })
        continue
      }
      const to = Math.min(topic.partitions.length, from + left)
      topics.push({ ...answerTopic(topic, from, to, cluster), topicAuthorizedOperations })
      left -= to - from
      if (to < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: to } }
    }
    return { topics, nextCursor: null }
  },
  failed: ({ topics }, errorCode) => ({
    topics: topics.map(({ name }) => missing(name, errorCode)),
    nextCursor: null,
  }),
})

function missing(name: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId: zeroUuid, isInternal: false, partitions: [] }
}

function answerTopic(topic: Topic, from: number, to: number, cluster: ClusterView): TopicAnswer {
  const partitions = []
  for (let partitionIndex = from; partitionIndex < to; partitionIndex++) {
    const leaderId = cluster.leaderOf(topic.name, partitionIndex).nodeId
    const replicas = [leaderId]
    partitions.push({
      partitionIndex,
      leaderId,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: replicas,
      // Java's client fails on null here, although null is legal.
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: [],
    })
  }
  return {
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.name === offsetsTopicName,
    partitions,
  }
}
