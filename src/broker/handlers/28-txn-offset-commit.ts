// TxnOffsetCommit v0–v5: stores a group's position as part of a transaction.
//
// Behaviour: the offsets become the group's once the transaction commits, and are dropped if it aborts. v3 the member
// of the group is checked, so that one that lost its partitions cannot commit for them (KIP-447). v5 the transaction
// begins if none is open; before that AddOffsetsToTxn is required (KIP-890).
import { ErrorCode, type ErrorName, zeroUuid } from '../../kafka/index.ts'
import type { CommittedOffset, Fence } from '../../metadata/index.ts'
import { defineHandler, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, findPartition } from '../log/index.ts'
import { transactionErrorCode } from '../transactions/index.ts'

type Request = RequestOf<'TxnOffsetCommit'>
type Topics = Request['topics']
type TopicAnswer = ResponseOf<'TxnOffsetCommit'>['topics'][number]

const JOINS_VERSION = 5
/** From this version on, a producer can be told that it only has to abort its transaction (KIP-890). */
const ABORTABLE_VERSION = 4

export default defineHandler('TxnOffsetCommit', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, context) {
    const { access, broker } = context
    const { transactionalId, groupId, topics } = request
    if (!access.allows('write', 'transactional_id', transactionalId)) {
      return { topics: answerEach(topics, () => ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED) }
    }
    if (!access.allows('read', 'group', groupId)) {
      return { topics: answerEach(topics, () => ErrorCode.GROUP_AUTHORIZATION_FAILED) }
    }
    if (groupId === '') return { topics: answerEach(topics, () => ErrorCode.INVALID_GROUP_ID) }
    const { errorCode, fence } = await broker.groups.mayCommit(groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      isTransactional: true,
    })
    if (fence === undefined) {
      const isMember = request.generationId >= 0 && errorCode === ErrorCode.UNKNOWN_MEMBER_ID
      const isGone = isMember && (await broker.groups.describe(groupId)).errorCode === ErrorCode.GROUP_ID_NOT_FOUND
      return { topics: answerEach(topics, () => (isGone ? ErrorCode.ILLEGAL_GENERATION : errorCode)) }
    }
    return { topics: await commit(request, fence, context) }
  },
  failed: ({ topics }, errorCode) => ({ topics: answerEach(topics, () => errorCode) }),
})

async function commit(
  request: Request,
  fence: Fence,
  { version, access, broker }: RequestContext,
): Promise<TopicAnswer[]> {
  const { topics, transactionalId, producerId, producerEpoch: epoch, groupId } = request
  const catalog = await catalogFor(broker.metadata, named(topics))
  const mayRead = (topic: string) => access.allows('read', 'topic', topic)
  const offsets: CommittedOffset[] = []
  const codes = new Map<string, number>()
  const places: string[] = []
  for (const { name, partitions } of topics) {
    for (const partition of partitions) {
      const place = `${name}/${partition.partitionIndex}`
      const found = findPartition(catalog, { name, id: zeroUuid }, partition.partitionIndex, mayRead)
      const problem = found.ok ? offsetProblem(partition, broker.config.offsetMetadataMaxBytes) : found.errorCode
      codes.set(place, problem)
      if (!found.ok || problem !== ErrorCode.NONE) continue
      places.push(place)
      offsets.push({
        topic: found.topic.id,
        partition: partition.partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        committedAt: broker.clock.now(),
      })
    }
  }
  if (offsets.length > 0) {
    const joins = version >= JOINS_VERSION
    const producer = { producerId, epoch }
    const outcomes = await broker.transactions.commitOffsets(transactionalId, producer, joins, groupId, offsets, fence)
    if (typeof outcomes !== 'string') await broker.offsetsTopic.follow(groupId)
    places.forEach((place, index) => {
      const name: ErrorName = typeof outcomes === 'string' ? outcomes : outcomes[index]!
      const isAbortable = name === 'INVALID_TXN_STATE' && version >= ABORTABLE_VERSION
      codes.set(place, transactionErrorCode(isAbortable ? 'TRANSACTION_ABORTABLE' : name, false))
    })
  }
  return answerEach(topics, (topic, index) => codes.get(`${topic}/${index}`)!)
}

function offsetProblem(
  { committedMetadata, committedOffset }: Topics[number]['partitions'][number],
  maxMetadataBytes: number,
): ErrorCode {
  if (Buffer.byteLength(committedMetadata ?? '') > maxMetadataBytes) return ErrorCode.OFFSET_METADATA_TOO_LARGE
  return Number.isSafeInteger(committedOffset) ? ErrorCode.NONE : ErrorCode.INVALID_COMMIT_OFFSET_SIZE
}

function answerEach(topics: Topics, codeOf: (topic: string, index: number) => number): TopicAnswer[] {
  return topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: codeOf(name, partitionIndex) })),
  }))
}

function* named(topics: Topics) {
  for (const { name, partitions } of topics) {
    const topic = { name, id: zeroUuid }
    for (const { partitionIndex } of partitions) yield [topic, partitionIndex] as const
  }
}
