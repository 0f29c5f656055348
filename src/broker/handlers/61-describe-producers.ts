// DescribeProducers v0: the remembered producers of partitions, and their open transactions there (KIP-664).
import { ErrorCode, errorMessage, zeroUuid } from '../../kafka/index.ts'
import type { ActiveProducer } from '../../metadata/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'
import { catalogFor, findPartition } from '../log/index.ts'

type PartitionAnswer = ResponseOf<'DescribeProducers'>['topics'][number]['partitions'][number]

export default defineHandler('DescribeProducers', {
  async handle({ topics }, { access, broker }) {
    const wanted = topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map(index => [{ name, id: zeroUuid }, index] as const),
    )
    const catalog = await catalogFor(broker.metadata, wanted)
    const mayRead = (topic: string) => access.allows('read', 'topic', topic)
    const found = wanted.map(([topic, index]) => findPartition(catalog, topic, index, mayRead))
    const known = found.flatMap(one => (one.ok ? [one.partition] : []))
    const producers = await broker.metadata.activeProducers(known)
    let next = 0
    let at = 0
    return {
      topics: topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex): PartitionAnswer => {
          const one = found[at++]!
          if (one.ok) return describe(partitionIndex, producers[next++]!)
          const { errorCode } = one
          return { partitionIndex, errorCode, errorMessage: errorMessage(errorCode), activeProducers: [] }
        }),
      })),
    }
  },
  failed: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode, activeProducers: [] })),
    })),
  }),
})

function describe(partitionIndex: number, producers: readonly ActiveProducer[]): PartitionAnswer {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    activeProducers: producers.map(({ producerId, epoch, lastSequence, updatedAt, transactionStart }) => ({
      producerId,
      producerEpoch: epoch,
      lastSequence,
      lastTimestamp: updatedAt,
      coordinatorEpoch: -1,
      currentTxnStartOffset: transactionStart ?? -1,
    })),
  }
}
