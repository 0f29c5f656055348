// ConsumerGroupHeartbeat v0–v1: a member of the `consumer` protocol joins, reports what it owns, receives
// what it is to own, and leaves (KIP-848).
//
// Behaviour: the state machine of groups/consumer-group.ts. v0 the broker assigns a new member's id; from
// v1 on the member generates it, and may subscribe with an RE2 regular expression (KIP-1082), of whose
// topics it gets those that it may describe.
import { ErrorCode, errorMessage as messageOfError } from '../../kafka/index.ts'
import type { Assignment } from '../groups/index.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import type { Access } from '../security/authorizer.ts'

type Request = RequestOf<'ConsumerGroupHeartbeat'>
type Answer = ResponseOf<'ConsumerGroupHeartbeat'>

const JOINS = 0
const LEAVES_FOR_A_WHILE = -2

export default defineHandler('ConsumerGroupHeartbeat', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { version, clientId, connection, access, broker }) {
    const { groupId, memberId } = request
    if (!access.allows('read', 'group', groupId)) return refuse(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    const problem = problemOf(request, version)
    if (problem !== undefined) return refuse(ErrorCode.INVALID_REQUEST, problem)
    if (!mayDescribeAll(request, access)) return refuse(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if (!knowsTopics(request, broker)) await broker.metadata.refresh()
    const answer = await broker.groups.consumerHeartbeat(groupId, {
      memberId,
      memberEpoch: request.memberEpoch,
      instanceId: request.instanceId,
      rackId: request.rackId,
      clientId: clientId ?? '',
      clientHost: `/${connection.remoteAddress}`,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      topicNames: request.subscribedTopicNames,
      topicPattern: request.subscribedTopicRegex,
      mayDescribe: access.isUnlimited ? null : topic => access.allows('describe', 'topic', topic),
      assignor: request.serverAssignor,
      owned: request.topicPartitions && assignmentOf(request.topicPartitions),
    })
    if (answer.errorCode !== ErrorCode.NONE) return refuse(answer.errorCode, answer.errorMessage)
    return {
      ...answer,
      heartbeatIntervalMs: request.memberEpoch < JOINS ? 0 : answer.heartbeatIntervalMs,
      assignment: answer.assignment && { topicPartitions: partitionsOf(answer.assignment) },
    }
  },
  failed: (_request, errorCode) => refuse(errorCode),
})

/** Why a request is invalid regardless of the group, or undefined. */
function problemOf(request: Request, version: number): string | undefined {
  const { groupId, memberId, memberEpoch, instanceId, rackId, rebalanceTimeoutMs, topicPartitions } = request
  if (groupId === '') return 'GroupId cannot be empty.'
  if (instanceId === '') return 'InstanceId cannot be empty.'
  if (rackId === '') return 'RackId cannot be empty.'
  if (memberId === '' && (version >= 1 || memberEpoch !== JOINS)) return 'MemberId cannot be empty.'
  if (memberEpoch < LEAVES_FOR_A_WHILE) return `MemberEpoch ${memberEpoch} is not valid.`
  if (memberEpoch === LEAVES_FOR_A_WHILE && instanceId === null) return "InstanceId can't be null for a static member."
  if (memberEpoch !== JOINS) return undefined
  if (rebalanceTimeoutMs === -1) return 'RebalanceTimeoutMs must be provided in first request.'
  if (topicPartitions === null || topicPartitions.length > 0) return 'TopicPartitions must be empty when (re-)joining.'
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    return 'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.'
  }
  return undefined
}

function mayDescribeAll({ subscribedTopicNames }: Request, access: Access): boolean {
  return (subscribedTopicNames ?? []).every(name => access.allows('describe', 'topic', name))
}

/** Whether the catalog knows the topics: one that another broker has just created must not appear missing. */
function knowsTopics({ subscribedTopicNames, subscribedTopicRegex }: Request, { metadata }: BrokerContext): boolean {
  const { byName } = metadata.catalog()
  return !subscribedTopicRegex && (subscribedTopicNames ?? []).every(name => byName.has(name))
}

function assignmentOf(topicPartitions: NonNullable<Request['topicPartitions']>): Assignment {
  return new Map(topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]))
}

function partitionsOf(assignment: Assignment) {
  return Array.from(assignment, ([topicId, partitions]) => ({ topicId, partitions: [...partitions] }))
}

function refuse(errorCode: ErrorCode, message: string | null = null): Answer {
  const errorMessage = message ?? messageOfError(errorCode)
  return { errorCode, errorMessage, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null }
}
