// AddPartitionsToTxn v0–v5: adds partitions to a transaction, which begins if none is open.
//
// Behaviour: either all of them are added or none; if one does not exist, the others are not attempted. v2:
// PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH. v4 several transactions, or only a check whether the partitions
// were added (KIP-890): Kafka's brokers send that to each other, but clients may as well.
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import type { Catalog, PartitionId, ProducerIdentity } from '../../metadata/index.ts'
import { defineHandler, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, findPartition } from '../log/index.ts'
import { transactionErrorCode } from '../transactions/index.ts'

type Topics = RequestOf<'AddPartitionsToTxn'>['v3AndBelowTopics']
type TopicResult = NonNullable<ResponseOf<'AddPartitionsToTxn'>['resultsByTopicV3AndBelow']>[number]

interface Wanted {
  readonly id: string
  readonly producer: ProducerIdentity
  readonly topics: Topics
  readonly verifyOnly: boolean
}

export default defineHandler('AddPartitionsToTxn', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, context) {
    if (context.version < 4) {
      const { v3AndBelowTransactionalId: id, v3AndBelowTopics: topics } = request
      const producer = { producerId: request.v3AndBelowProducerId, epoch: request.v3AndBelowProducerEpoch }
      return { resultsByTopicV3AndBelow: await add({ id, producer, topics, verifyOnly: false }, context) }
    }
    const results = request.transactions.map(
      async ({ transactionalId, producerId, producerEpoch, verifyOnly, topics }) => {
        const wanted = { id: transactionalId, producer: { producerId, epoch: producerEpoch }, topics, verifyOnly }
        return { transactionalId, topicResults: await add(wanted, context) }
      },
    )
    return { errorCode: ErrorCode.NONE, resultsByTransaction: await Promise.all(results) }
  },
  failed: ({ transactions, v3AndBelowTopics }, errorCode) => ({
    errorCode,
    resultsByTransaction: transactions.map(({ transactionalId, topics }) => ({
      transactionalId,
      topicResults: answerAll(topics, errorCode),
    })),
    resultsByTopicV3AndBelow: answerAll(v3AndBelowTopics, errorCode),
  }),
})

async function add(wanted: Wanted, context: RequestContext): Promise<TopicResult[]> {
  const { id, producer, topics, verifyOnly } = wanted
  const { access, broker, version } = context
  if (id === '') return answerAll(topics, ErrorCode.INVALID_REQUEST)
  if (!access.allows('write', 'transactional_id', id)) {
    return answerAll(topics, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  }
  const catalog = await catalogFor(broker.metadata, named(topics))
  const partitions: PartitionId[] = []
  const problems = new Map<string, number>()
  const mayWrite = (topic: string) => access.allows('write', 'topic', topic)
  for (const [topic, index] of named(topics)) {
    const found = findPartition(catalog, topic, index, mayWrite)
    if (found.ok) partitions.push(found.partition)
    else problems.set(`${topic.name}/${index}`, found.errorCode)
  }
  if (problems.size > 0) {
    return answerEach(topics, (topic, index) => problems.get(`${topic}/${index}`) ?? ErrorCode.OPERATION_NOT_ATTEMPTED)
  }
  if (verifyOnly) return verify(wanted, catalog, context)
  const outcome = await broker.transactions.begin(id, producer, partitions)
  return answerAll(topics, outcome.ok ? ErrorCode.NONE : transactionErrorCode(outcome.code, version >= 2))
}

async function verify(
  { id, producer, topics }: Wanted,
  catalog: Catalog,
  { broker }: RequestContext,
): Promise<TopicResult[]> {
  const members = await broker.transactions.partitionsOf(id, producer)
  if (typeof members === 'string') return answerAll(topics, ErrorCode[members])
  return answerEach(topics, (name, index) => {
    const found = findPartition(catalog, { name, id: zeroUuid }, index)
    return ErrorCode[found.ok && members.has(found.partition) ? 'NONE' : 'TRANSACTION_ABORTABLE']
  })
}

function answerAll(topics: Topics, errorCode: number): TopicResult[] {
  return answerEach(topics, () => errorCode)
}

function answerEach(topics: Topics, codeOf: (topic: string, index: number) => number): TopicResult[] {
  return topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map(index => ({ partitionIndex: index, partitionErrorCode: codeOf(name, index) })),
  }))
}

function* named(topics: Topics) {
  for (const { name, partitions } of topics) {
    const topic = { name, id: zeroUuid }
    for (const index of partitions) yield [topic, index] as const
  }
}
