// DescribeTransactions v0: transactional ids with the partitions of their open transactions (KIP-664).
//
// Behaviour: the groups whose offsets are in the transaction show as the partitions of __consumer_offsets that they
// belong to, as in Kafka.
import { ErrorCode } from '../../kafka/index.ts'
import type { DescribedTransaction, PartitionId } from '../../metadata/index.ts'
import { offsetsTopicName } from '../groups/index.ts'
import { type BrokerContext, defineHandler, type ResponseOf } from '../handler.ts'
import { shardOf } from '../shard.ts'

type StateAnswer = ResponseOf<'DescribeTransactions'>['transactionStates'][number]

export default defineHandler('DescribeTransactions', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ transactionalIds }, { access, broker }) {
    const described = await broker.transactions.describe(transactionalIds)
    const places = placesOf(broker)
    const transactionStates = transactionalIds.map((id, index): StateAnswer => {
      if (id === '') return unknown(id, ErrorCode.INVALID_REQUEST)
      if (!access.allows('describe', 'transactional_id', id)) {
        return unknown(id, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
      }
      const one = described[index]!
      if (one === null) return unknown(id, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
      return typeof one === 'string' ? unknown(id, ErrorCode[one]) : describe(one, places)
    })
    return { transactionStates }
  },
  failed: ({ transactionalIds }, errorCode) => ({
    transactionStates: transactionalIds.map(id => unknown(id, errorCode)),
  }),
})

type Places = ReadonlyMap<PartitionId, { readonly topic: string; readonly index: number }>

function placesOf({ metadata }: BrokerContext): Places {
  const places = new Map<PartitionId, { topic: string; index: number }>()
  for (const { name, partitions } of metadata.catalog().byName.values()) {
    for (const [index, partition] of partitions.entries()) places.set(partition, { topic: name, index })
  }
  return places
}

function describe({ transaction, partitions, groups }: DescribedTransaction, places: Places): StateAnswer {
  const { id, phase, timeoutMs, startedAt, producerId, epoch } = transaction
  const ofGroups = [...new Set(groups.map(shardOf))].map(index => ({ topic: offsetsTopicName, index }))
  const known = [...partitions.flatMap(partition => places.get(partition) ?? []), ...ofGroups]
  return {
    errorCode: ErrorCode.NONE,
    transactionalId: id,
    transactionState: phase,
    transactionTimeoutMs: timeoutMs,
    transactionStartTimeMs: startedAt ?? -1,
    producerId,
    producerEpoch: epoch,
    topics: Array.from(
      Map.groupBy(known, ({ topic }) => topic),
      ([topic, some]) => ({ topic, partitions: some.map(({ index }) => index) }),
    ),
  }
}

function unknown(transactionalId: string, errorCode: number): StateAnswer {
  return {
    errorCode,
    transactionalId,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}
