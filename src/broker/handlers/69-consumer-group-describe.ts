// ConsumerGroupDescribe v0–v1: the state, members and assignments of groups of the `consumer` protocol (KIP-848).
//
// Behaviour: a group that is unknown or of another protocol is GROUP_ID_NOT_FOUND. If the client may not
// describe one of the topics, the whole group is refused (TOPIC_AUTHORIZATION_FAILED), as in Kafka. v1
// which protocol a member speaks (KIP-1099).
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import type { Catalog } from '../../metadata/index.ts'
import type { Assignment, ConsumerGroup } from '../groups/index.ts'
import { type BrokerContext, defineHandler, type ResponseOf } from '../handler.ts'
import { type Access, authorizedOperations, operationsNotAsked } from '../security/authorizer.ts'

type Described = ResponseOf<'ConsumerGroupDescribe'>['groups'][number]

const memberTypes = { classic: 0, consumer: 1 } as const

export default defineHandler('ConsumerGroupDescribe', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ groupIds, includeAuthorizedOperations }, { access, broker }) {
    const groups: Described[] = []
    for (const groupId of groupIds) {
      const described = await answer(groupId, access, broker)
      const tellsOperations = includeAuthorizedOperations && described.errorCode === ErrorCode.NONE
      groups.push({
        ...described,
        authorizedOperations: tellsOperations ? authorizedOperations(access, 'group', groupId) : operationsNotAsked,
      })
    }
    return { groups }
  },
  failed: ({ groupIds }, errorCode) => ({ groups: groupIds.map(groupId => failed(groupId, errorCode)) }),
})

async function answer(groupId: string, access: Access, broker: BrokerContext): Promise<Described> {
  if (!access.allows('describe', 'group', groupId)) return failed(groupId, ErrorCode.GROUP_AUTHORIZATION_FAILED)
  if (groupId === '') return failed(groupId, ErrorCode.INVALID_GROUP_ID)
  const { errorCode, group } = await broker.groups.describe(groupId)
  if (group === undefined) return failed(groupId, errorCode)
  if (group.type !== 'consumer') {
    return failed(groupId, ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`)
  }
  const catalog = broker.metadata.catalog()
  const names = new Set([...group.topics.keys()].flatMap(id => catalog.byId.get(id)?.name ?? []))
  for (const { topicNames } of group.members.values()) for (const name of topicNames) names.add(name)
  if (![...names].every(name => access.allows('describe', 'topic', name))) {
    return failed(groupId, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
  }
  return describe(groupId, group, catalog)
}

function describe(groupId: string, group: ConsumerGroup, catalog: Catalog): Described {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    groupId,
    groupState: group.phase,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.assignor,
    members: Array.from(group.members.values(), member => ({
      memberId: member.id,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.epoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: [...member.topicNames],
      subscribedTopicRegex: member.topicPattern ?? '',
      assignment: named(member.assigned, catalog),
      targetAssignment: named(group.targets.get(member.id) ?? new Map(), catalog),
      memberType: member.classic === null ? memberTypes.consumer : memberTypes.classic,
    })),
  }
}

function named(assignment: Assignment, { byId }: Catalog) {
  const topicPartitions = [...assignment].flatMap(([topicId, partitions]) => {
    const topic = byId.get(topicId)
    return topic === undefined ? [] : [{ topicId, topicName: topic.name, partitions: [...partitions] }]
  })
  return { topicPartitions }
}

function failed(groupId: string, errorCode: ErrorCode, message = errorMessage(errorCode)): Described {
  return {
    errorCode,
    errorMessage: message,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}
