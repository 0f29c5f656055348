// OffsetCommit v2–v10: stores a group's position in each partition.
//
// Behaviour: members commit with their generation; consumers that manage their own partitions commit without one, as
// long as the group has no members. An unknown partition or metadata that is too long affects only that partition. v6
// leader epochs. v7 static members. v9 members of the `consumer` protocol. v10 topics by id.
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import { type Catalog, type CommittedOffset, type Fence, MetadataError, type Topic } from '../../metadata/index.ts'
import type { CommitPermission } from '../groups/index.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'

type Request = RequestOf<'OffsetCommit'>
type RequestTopic = Request['topics'][number]
type TopicAnswer = ResponseOf<'OffsetCommit'>['topics'][number]

/** From this version on, members of the `consumer` protocol commit with their epochs (KIP-848). */
const MEMBER_EPOCH_VERSION = 9

export default defineHandler('OffsetCommit', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, { version, access, broker }) {
    if (!access.allows('read', 'group', request.groupId)) {
      return { topics: request.topics.map(topic => refuseAll(topic, ErrorCode.GROUP_AUTHORIZATION_FAILED)) }
    }
    const { errorCode, fence } = await mayCommit(request, version, broker)
    if (fence === undefined) return { topics: request.topics.map(topic => refuseAll(topic, errorCode)) }
    const catalog = await catalogFor(request, version, broker)
    const now = broker.clock.now()
    const offsets: CommittedOffset[] = []
    /** The entry of each offset in the response. */
    const places: { errorCode: number }[] = []
    const names: string[] = []
    const topics = request.topics.map((wanted): TopicAnswer => {
      const topic = topicOf(wanted, version, catalog)
      if (!access.allows('read', 'topic', topic?.name ?? wanted.name)) {
        return refuseAll(wanted, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
      }
      const partitions = wanted.partitions.map(partition => {
        const answer = {
          partitionIndex: partition.partitionIndex,
          errorCode: check(partition, topic, version, broker),
        }
        if (answer.errorCode === ErrorCode.NONE) {
          offsets.push({
            topic: topic!.id,
            partition: partition.partitionIndex,
            offset: partition.committedOffset,
            leaderEpoch: partition.committedLeaderEpoch,
            metadata: partition.committedMetadata ?? '',
            committedAt: now,
          })
          places.push(answer)
          names.push(topic!.name)
        }
        return answer
      })
      return { name: wanted.name, topicId: wanted.topicId, partitions }
    })
    if (offsets.length > 0) {
      const codes = await commit(request.groupId, offsets, fence, broker)
      codes.forEach((code, i) => {
        places[i]!.errorCode = code
      })
      await broker.offsetsTopic.copy(
        request.groupId,
        offsets.flatMap((committed, i) =>
          codes[i] === ErrorCode.NONE ? [{ topic: names[i]!, partition: committed.partition, committed }] : [],
        ),
      )
    }
    return { topics }
  },
  failed: ({ topics }, errorCode) => ({ topics: topics.map(topic => refuseAll(topic, errorCode)) }),
})

/** Commits offsets; a failure that may pass maps to an error that the client retries. */
async function commit(
  groupId: string,
  offsets: readonly CommittedOffset[],
  fence: Fence,
  broker: BrokerContext,
): Promise<ErrorCode[]> {
  try {
    const problems = await broker.metadata.commitOffsets(groupId, offsets, fence)
    return problems.map(problem => (problem === null ? ErrorCode.NONE : ErrorCode[problem]))
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error
    if (error.code === 'fenced') {
      broker.groups.fenced(fence)
      return offsets.map(() => ErrorCode.NOT_COORDINATOR)
    }
    broker.log.warn('offsets could not be committed', { group: groupId, error: error.message })
    return offsets.map(() => ErrorCode.COORDINATOR_NOT_AVAILABLE)
  }
}

async function mayCommit(request: Request, version: number, broker: BrokerContext): Promise<CommitPermission> {
  if (request.groupId === '' && request.generationIdOrMemberEpoch >= 0) {
    return { errorCode: ErrorCode.INVALID_GROUP_ID }
  }
  const { groupId, memberId, generationIdOrMemberEpoch: generation } = request
  const isMember = generation >= 0
  if (isMember && version < MEMBER_EPOCH_VERSION && (await hasEpoch(groupId, memberId, broker))) {
    return { errorCode: ErrorCode.UNSUPPORTED_VERSION }
  }
  const permission = await broker.groups.mayCommit(groupId, {
    memberId,
    instanceId: request.groupInstanceId,
    generation,
  })
  if (!isMember || permission.errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) return permission
  return { errorCode: await strangersCode(groupId, version, broker) }
}

/** Whether the sender is a member of the `consumer` protocol, whose epoch old clients would take for a generation. */
async function hasEpoch(groupId: string, memberId: string, { groups }: BrokerContext): Promise<boolean> {
  const { group } = await groups.describe(groupId)
  return group?.type === 'consumer' && group.members.get(memberId)?.classic === null
}

/** Error code for a member that the group does not know: old clients have no error for a group that does not exist. */
async function strangersCode(groupId: string, version: number, { groups }: BrokerContext): Promise<ErrorCode> {
  const { errorCode } = await groups.describe(groupId)
  if (errorCode !== ErrorCode.GROUP_ID_NOT_FOUND) return ErrorCode.UNKNOWN_MEMBER_ID
  return version < MEMBER_EPOCH_VERSION ? ErrorCode.ILLEGAL_GENERATION : errorCode
}

async function catalogFor(request: Request, version: number, broker: BrokerContext): Promise<Catalog> {
  const catalog = broker.metadata.catalog()
  const isKnown = request.topics.every(wanted => {
    const topic = topicOf(wanted, version, catalog)
    return (
      topic !== undefined && wanted.partitions.every(partition => partition.partitionIndex < topic.partitions.length)
    )
  })
  return isKnown ? catalog : broker.metadata.refresh()
}

function topicOf({ name, topicId }: RequestTopic, version: number, catalog: Catalog): Topic | undefined {
  return version >= 10 ? catalog.byId.get(topicId) : catalog.byName.get(name)
}

function check(
  { partitionIndex, committedOffset, committedMetadata }: RequestTopic['partitions'][number],
  topic: Topic | undefined,
  version: number,
  broker: BrokerContext,
): ErrorCode {
  if (topic === undefined) return version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (topic.partitions[partitionIndex] === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (Buffer.byteLength(committedMetadata ?? '') > broker.config.offsetMetadataMaxBytes) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE
  }
  // No log reaches that far, and the metadata could not return such an offset.
  if (!Number.isSafeInteger(committedOffset)) return ErrorCode.INVALID_COMMIT_OFFSET_SIZE
  return ErrorCode.NONE
}

function refuseAll({ name, topicId, partitions }: RequestTopic, errorCode: ErrorCode): TopicAnswer {
  return {
    name,
    topicId: topicId ?? zeroUuid,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }
}
