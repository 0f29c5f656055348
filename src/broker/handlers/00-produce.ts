// Produce v0–v13: stores record batches.
//
// Behaviour: each partition is validated separately; valid batches are stored whatever happens to the others. All
// batches of a request get their position before the next request of the connection is read, and the response is sent
// once they are in the object store and in the metadata: acks=1 and acks=all are the same here. With acks=0 there is no
// response, and a batch that cannot be stored closes the connection, which makes the producer notice and refresh the
// topic's metadata. v0–v2 are listed, because old librdkafka looks for them before it compresses, but are refused when
// used (KAFKA-18659). v7 zstd (KIP-110). v8 errors per record (KIP-467). v12 records add their partition to the
// transaction (KIP-890); before that AddPartitionsToTxn is required. v13 topics by id (KIP-516).
import { ErrorCode, errorMessage, errorName, type ErrorName, zeroUuid } from '../../kafka/index.ts'
import { messageOf } from '../../base/index.ts'
import type { Catalog } from '../../metadata/index.ts'
import { defineHandler, noResponse, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'
import { offsetsTopicName } from '../groups/index.ts'
import { type Append, type AppendOutcome, checkBatch, type CheckedBatch, findPartition } from '../log/index.ts'
import { topicConfig } from '../topic-config.ts'

type Request = RequestOf<'Produce'>
type TopicData = Request['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type TopicAnswer = ResponseOf<'Produce'>['responses'][number]
type PartitionAnswer = TopicAnswer['partitionResponses'][number]
type Refusal = Extract<CheckedBatch, { readonly ok: false }>

/** The first version with record batches of format 2. */
const FIRST_USABLE_VERSION = 3

/** From this version on, a producer can be told that it only has to abort its transaction (KIP-890). */
const ABORTABLE_VERSION = 11
/** From this version on, records add their partition to the transaction. */
const JOINS_VERSION = 12
/** From this version on, topics are identified by id. */
const IDS_VERSION = 13

/** One partition's part of a request, and its outcome. */
interface Part {
  readonly topic: TopicData
  readonly data: PartitionData
  answer: PartitionAnswer
}

export default defineHandler('Produce', {
  pipelined: true,
  releasesRequest: true,
  async handle(request, context) {
    const topics = request.topicData.map(topic => topic.partitionData.map(data => newPart(topic, data)))
    const refusal = requestProblem(request, context)
    const parts = topics.flat()
    if (refusal !== undefined) for (const part of parts) part.answer = failure(part.data.index, ErrorCode[refusal])
    const stored = refusal === undefined ? store(parts, request, context) : Promise.resolve()
    if (request.acks === 0) {
      void hangUpOnFailure(parts, stored, context)
      return noResponse
    }
    await stored
    return { responses: request.topicData.map(({ name, topicId }, at) => answerTopic(name, topicId, topics[at]!)) }
  },
  failed: ({ topicData }, errorCode) => ({
    responses: topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => failure(index, errorCode)),
    })),
  }),
})

/**
 * Stores the valid batches. Those for known topics are placed before this returns: if they waited for the catalog to be
 * reloaded for the others, the connection's next request would overtake them.
 */
async function store(parts: readonly Part[], request: Request, context: RequestContext): Promise<void> {
  const { metadata } = context.broker
  const first = place(parts, metadata.catalog(), request, context)
  const second = first.unknown.length > 0 ? place(first.unknown, await metadata.refresh(), request, context) : undefined
  await first.done
  await second?.done
}

/** Closes the connection when a batch fails, since that is all that a producer which expects no responses notices. */
async function hangUpOnFailure(
  parts: readonly Part[],
  stored: Promise<void>,
  { hangUp }: RequestContext,
): Promise<void> {
  try {
    await stored
  } catch (error) {
    return hangUp(messageOf(error))
  }
  for (const { answer } of parts) {
    const { errorCode = ErrorCode.NONE } = answer
    if (errorCode !== ErrorCode.NONE) return hangUp(`records with acks=0 were refused: ${errorName(errorCode)}`)
  }
}

/**
 * Validates batches and hands the good ones to the log, all synchronously; `done` resolves once all have their answers.
 */
function place(
  parts: readonly Part[],
  catalog: Catalog,
  { transactionalId }: Request,
  { version, access, broker, fence }: RequestContext,
) {
  const transaction =
    transactionalId === null
      ? undefined
      : ({ kind: 'records', id: transactionalId, joins: version >= JOINS_VERSION } as const)
  const mayWrite = (topic: string) => access.allows('write', 'topic', topic)
  const unknown: Part[] = []
  const appends: Append[] = []
  const placed: Part[] = []
  for (const part of parts) {
    const { topic, data } = part
    const found =
      version >= IDS_VERSION && topic.topicId === zeroUuid
        ? ({ ok: false, errorCode: ErrorCode.UNKNOWN_TOPIC_ID } as const)
        : findPartition(catalog, { name: topic.name, id: topic.topicId }, data.index, mayWrite)
    if (!found.ok) {
      part.answer = failure(data.index, found.errorCode)
      unknown.push(part)
      continue
    }
    if (found.topic.name === offsetsTopicName) {
      part.answer = failure(data.index, ErrorCode.INVALID_TOPIC_EXCEPTION)
      continue
    }
    const config = topicConfig(found.topic, broker.config)
    const checked = checkBatch(data.records, version, config, broker.clock.now())
    if (!checked.ok) {
      part.answer = refused(data.index, checked)
      continue
    }
    const { header, records } = checked
    if (header.transactional && transaction === undefined) {
      part.answer = failure(
        data.index,
        ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        'a transactional batch without a transactional id',
      )
      continue
    }
    const { partition } = found
    const append = { partition, records, header, appendTime: config.appendTime, ...(fence && { fence }) }
    appends.push(header.transactional ? { ...append, transaction: transaction! } : append)
    placed.push(part)
  }
  const done = broker.records.append(appends).then(outcomes => {
    placed.forEach((part, index) => {
      part.answer = answerOutcome(part.data.index, outcomes[index]!, version)
    })
  })
  return { unknown, done }
}

function requestProblem(
  { acks, transactionalId }: Request,
  { version, access }: RequestContext,
): ErrorName | undefined {
  if (version < FIRST_USABLE_VERSION) return 'UNSUPPORTED_VERSION'
  if (acks !== -1 && acks !== 0 && acks !== 1) return 'INVALID_REQUIRED_ACKS'
  if (transactionalId !== null && !access.allows('write', 'transactional_id', transactionalId)) {
    return 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
  }
  return undefined
}

function newPart(topic: TopicData, data: PartitionData): Part {
  return { topic, data, answer: failure(data.index, ErrorCode.UNKNOWN_SERVER_ERROR) }
}

function answerTopic(name: string, topicId: string, parts: readonly Part[]): TopicAnswer {
  return { name, topicId, partitionResponses: parts.map(({ answer }) => answer) }
}

function refused(index: number, { error, message, records = [] }: Refusal): PartitionAnswer {
  const recordErrors = records.map(record => ({ batchIndex: record.index, batchIndexErrorMessage: record.message }))
  return { ...failure(index, ErrorCode[error], message), recordErrors }
}

function answerOutcome(index: number, outcome: AppendOutcome, version: number): PartitionAnswer {
  if (!outcome.ok) {
    const isAbortable = outcome.code === 'INVALID_TXN_STATE' && version >= ABORTABLE_VERSION
    const name = isAbortable ? 'TRANSACTION_ABORTABLE' : outcome.code
    return { ...failure(index, ErrorCode[name]), logStartOffset: outcome.logStartOffset }
  }
  const { baseOffset, appendTimestamp, logStartOffset } = outcome
  return { index, baseOffset, logAppendTimeMs: appendTimestamp, logStartOffset }
}

function failure(index: number, errorCode: number, message = errorMessage(errorCode)): PartitionAnswer {
  return { index, errorCode, baseOffset: -1, errorMessage: message }
}
