// Produce v0–v13: stores record batches.
//
// Behaviour: each partition is judged alone; what is good is stored, whatever becomes of the others. All batches of a
// request get their place before the next request of the connection is read, and the answer comes when they are in the
// object store and in the metadata: acks=1 and acks=all are the same here. With acks=0 there is no answer at all.
// v0–v2 are listed, because old librdkafka looks for them before it compresses, and are refused when used (KAFKA-18659).
// v7 zstd (KIP-110). v8 errors by record (KIP-467). v13 topics by id (KIP-516). Transactions are not kept yet.
import { ErrorCode, type ErrorName, errorMessage } from '../../kafka/index.ts'
import type { Catalog, Topic } from '../../metadata/index.ts'
import {
  type BrokerContext,
  defineHandler,
  noResponse,
  type RequestContext,
  type RequestOf,
  type ResponseOf,
} from '../handler.ts'
import { type Append, type AppendOutcome, catalogFor, checkBatch, findPartition } from '../log/index.ts'
import { topicConfig } from '../topic-config.ts'

type Request = RequestOf<'Produce'>
type TopicData = Request['topicData'][number]
type PartitionData = TopicData['partitionData'][number]
type TopicAnswer = ResponseOf<'Produce'>['responses'][number]
type PartitionAnswer = TopicAnswer['partitionResponses'][number]

/** Record batches of format 2 came with this version. */
const FIRST_USABLE_VERSION = 3

/** An answer that is known, or the append on whose outcome it depends. */
type Judged = { readonly answer: PartitionAnswer } | { readonly index: number; readonly append: Append }

export default defineHandler('Produce', {
  pipelined: true,
  async handle(request, context) {
    const catalog = catalogFor(context.broker.metadata, wantedPartitions(request))
    const { judged, outcomes } = start(request, catalog instanceof Promise ? await catalog : catalog, context)
    if (request.acks === 0) return noResponse
    return { responses: answerTopics(request, judged, await outcomes) }
  },
})

/** Judges all batches and hands the good ones to the log, without a pause in between. */
function start(request: Request, catalog: Catalog, { version, broker }: RequestContext) {
  const refusal = requestProblem(request, version)
  const judged = request.topicData.map(topic =>
    topic.partitionData.map(
      (data): Judged => (refusal ? refuse(data.index, refusal) : judge(topic, data, catalog, version, broker)),
    ),
  )
  const appends = judged.flat().flatMap(one => ('append' in one ? [one.append] : []))
  return { judged, outcomes: broker.records.append(appends) }
}

function requestProblem({ acks }: Request, version: number): ErrorName | undefined {
  if (version < FIRST_USABLE_VERSION) return 'UNSUPPORTED_VERSION'
  if (acks !== -1 && acks !== 0 && acks !== 1) return 'INVALID_REQUIRED_ACKS'
  return undefined
}

function judge(
  topic: TopicData,
  data: PartitionData,
  catalog: Catalog,
  version: number,
  broker: BrokerContext,
): Judged {
  const found = findPartition(catalog, { name: topic.name, id: topic.topicId }, data.index)
  if (!found.ok) return { answer: failure(data.index, found.errorCode) }
  const config = configOf(found.topic, broker)
  const checked = checkBatch(data.records, version, config, broker.clock.now())
  if (!checked.ok) {
    const recordErrors = (checked.records ?? []).map(({ index, message }) => {
      return { batchIndex: index, batchIndexErrorMessage: message }
    })
    return { answer: { ...failure(data.index, ErrorCode[checked.error], checked.message), recordErrors } }
  }
  const { partition } = found
  return {
    index: data.index,
    // checkBatch has seen that there are records.
    append: { partition, records: data.records!, header: checked.header, appendTime: config.appendTime },
  }
}

function answerTopics(
  request: Request,
  judged: readonly (readonly Judged[])[],
  outcomes: readonly AppendOutcome[],
): TopicAnswer[] {
  let next = 0
  return request.topicData.map(({ name, topicId }, at) => ({
    name,
    topicId,
    partitionResponses: judged[at]!.map(one => {
      return 'answer' in one ? one.answer : answerOutcome(one.index, outcomes[next++]!)
    }),
  }))
}

function answerOutcome(index: number, outcome: AppendOutcome): PartitionAnswer {
  if (!outcome.ok) return { ...failure(index, ErrorCode[outcome.code]), logStartOffset: outcome.logStartOffset }
  const { baseOffset, appendTimestamp, logStartOffset } = outcome
  return { index, baseOffset, logAppendTimeMs: appendTimestamp, logStartOffset }
}

function refuse(index: number, error: ErrorName): Judged {
  return { answer: failure(index, ErrorCode[error]) }
}

function failure(index: number, errorCode: number, message = errorMessage(errorCode)): PartitionAnswer {
  return { index, errorCode, baseOffset: -1, errorMessage: message }
}

function configOf(topic: Topic, broker: BrokerContext) {
  return topicConfig(topic, broker.config)
}

function* wantedPartitions(request: Request) {
  for (const { name, topicId, partitionData } of request.topicData) {
    const topic = { name, id: topicId }
    for (const { index } of partitionData) yield [topic, index] as const
  }
}
