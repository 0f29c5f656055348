// OffsetFetch v1–v10: the positions of groups.
//
// Behaviour: a partition without a commit, or one that does not exist, has offset -1 and empty metadata, without an
// error. v2 null requests all partitions with a commit. v7 requireStable: a partition with an offset in an open
// transaction is UNSTABLE_OFFSET_COMMIT, and the client retries (KIP-447). v8 several groups. v9 the member and its
// epoch, for the `consumer` protocol (KIP-848). v10 topics by id.
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import { type Catalog, type CommittedOffset, MetadataError, type Topic } from '../../metadata/index.ts'
import { type BrokerContext, defineHandler, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'

type Group = RequestOf<'OffsetFetch'>['groups'][number]
type WantedTopic = NonNullable<Group['topics']>[number]
type GroupAnswer = NonNullable<ResponseOf<'OffsetFetch'>['groups']>[number]
type TopicAnswer = GroupAnswer['topics'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

export default defineHandler('OffsetFetch', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, context) {
    const { version } = context
    if (version >= 8) {
      const groups: GroupAnswer[] = []
      for (const group of request.groups) groups.push(await answerGroup(group, request.requireStable, context))
      return { groups }
    }
    const topics = request.topics?.map(topic => ({ ...topic, topicId: zeroUuid })) ?? null
    const group = { groupId: request.groupId, memberId: null, memberEpoch: -1, topics }
    const { errorCode, topics: answers } = await answerGroup(group, request.requireStable, context)
    // v1 has no field for a group error, and a missing partition would look as if it had no commit.
    const results = errorCode ? (topics ?? []).map(topic => refuse(topic, errorCode)) : answers
    return { errorCode, topics: results.map(({ name = '', partitions }) => ({ name, partitions })) }
  },
  failed: ({ topics, groups }, errorCode) => ({
    errorCode,
    topics: (topics ?? []).map(topic => refuse({ ...topic, topicId: zeroUuid }, errorCode)),
    groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })),
  }),
})

/** Reads a group's offsets; a failure that may pass maps to an error that the client retries. */
async function answerGroup(group: Group, requireStable: boolean, context: RequestContext): Promise<GroupAnswer> {
  if (!context.access.allows('describe', 'group', group.groupId)) {
    return { groupId: group.groupId, topics: [], errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED }
  }
  try {
    return await readGroup(group, requireStable, context)
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error
    context.broker.log.warn('offsets could not be read', { group: group.groupId, error: error.message })
    return { groupId: group.groupId, topics: [], errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }
  }
}

async function readGroup(
  { groupId, topics, memberId, memberEpoch }: Group,
  requireStable: boolean,
  { version, access, broker }: RequestContext,
): Promise<GroupAnswer> {
  const errorCode = await checkMember(groupId, memberId ?? null, memberEpoch ?? -1, broker)
  if (errorCode !== ErrorCode.NONE) return { groupId, topics: [], errorCode }
  const mayDescribe = (topic: string) => access.allows('describe', 'topic', topic)
  // Read first: what a transaction commits in the meantime is among the offsets.
  const pending = requireStable ? await broker.metadata.pendingOffsets(groupId) : []
  const isPending = new Set(pending.map(({ topic, partition }) => `${topic}/${partition}`))
  const offsets = await broker.metadata.groupOffsets(groupId)
  const byTopic = new Map<string, Map<number, CommittedOffset>>()
  for (const offset of offsets) {
    const partitions = byTopic.get(offset.topic) ?? new Map<number, CommittedOffset>()
    byTopic.set(offset.topic, partitions.set(offset.partition, offset))
  }
  const catalog = await catalogFor(topics, byTopic, broker)
  if (topics === null) {
    const all = [...byTopic].flatMap(([id, partitions]) => {
      const topic = catalog.byId.get(id)
      return topic === undefined || !mayDescribe(topic.name)
        ? []
        : [answerTopic(topic, [...partitions.keys()], partitions, isPending)]
    })
    return { groupId, topics: all }
  }
  return {
    groupId,
    topics: topics.map(wanted => {
      const topic = version >= 10 ? catalog.byId.get(wanted.topicId) : catalog.byName.get(wanted.name)
      if (!mayDescribe(topic?.name ?? wanted.name)) return refuse(wanted, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
      if (topic === undefined) return refuse(wanted, version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.NONE)
      return answerTopic(topic, wanted.partitionIndexes, byTopic.get(topic.id), isPending)
    }),
  }
}

/** A member of the `consumer` protocol must send its current epoch; requests without a member are allowed as well. */
async function checkMember(
  groupId: string,
  memberId: string | null,
  memberEpoch: number,
  { groups }: BrokerContext,
): Promise<ErrorCode> {
  if (memberId === null && memberEpoch < 0) return ErrorCode.NONE
  const { group, errorCode } = await groups.describe(groupId)
  if (errorCode === ErrorCode.NOT_COORDINATOR || errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) return errorCode
  if (group?.type !== 'consumer') return ErrorCode.NONE
  const member = group.members.get(memberId ?? '')
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  return member.epoch === memberEpoch ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH
}

/** Returns a catalog that knows every topic with a commit, reloaded if one seems to be missing. */
async function catalogFor(
  topics: Group['topics'],
  committed: ReadonlyMap<string, unknown>,
  broker: BrokerContext,
): Promise<Catalog> {
  const catalog = broker.metadata.catalog()
  const isKnown =
    [...committed.keys()].every(id => catalog.byId.has(id)) &&
    (topics ?? []).every(topic => catalog.byName.has(topic.name) || catalog.byId.has(topic.topicId))
  return isKnown ? catalog : broker.metadata.refresh()
}

function answerTopic(
  topic: Topic,
  indexes: readonly number[],
  committed: ReadonlyMap<number, CommittedOffset> | undefined,
  isPending: ReadonlySet<string>,
): TopicAnswer {
  const partitions = indexes.map((partitionIndex): PartitionAnswer => {
    if (isPending.has(`${topic.id}/${partitionIndex}`)) {
      return { ...nothing, partitionIndex, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
    }
    const known = committed?.get(partitionIndex)
    if (known === undefined) return { ...nothing, partitionIndex }
    return {
      partitionIndex,
      committedOffset: known.offset,
      committedLeaderEpoch: known.leaderEpoch,
      metadata: known.metadata,
      errorCode: ErrorCode.NONE,
    }
  })
  return { name: topic.name, topicId: topic.id, partitions }
}

function refuse({ name, topicId, partitionIndexes }: WantedTopic, errorCode: number) {
  return {
    name,
    topicId,
    partitions: partitionIndexes.map(partitionIndex => ({ ...nothing, partitionIndex, errorCode })),
  }
}

const nothing = {
  committedOffset: -1,
  committedLeaderEpoch: -1,
  metadata: '',
  errorCode: ErrorCode.NONE,
}
