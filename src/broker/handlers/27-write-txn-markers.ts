// WriteTxnMarkers v1: ends what a producer has open in individual partitions.
//
// Behaviour: Kafka's brokers tell each other with it how a transaction ended. Here that is one commit, and only an
// operator sends this request, to abort what a producer has open in a partition (kafka-transactions.sh abort, KIP-664).
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import type { PartitionId } from '../../metadata/index.ts'
import { defineHandler, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, findPartition } from '../log/index.ts'
import { allowsCluster } from '../security/authorizer.ts'

type Marker = RequestOf<'WriteTxnMarkers'>['markers'][number]
type MarkerAnswer = ResponseOf<'WriteTxnMarkers'>['markers'][number]

export default defineHandler('WriteTxnMarkers', {
  async handle({ markers }, context) {
    const mayWrite = allowsCluster(context.access, 'cluster_action') || allowsCluster(context.access, 'alter')
    const answers: MarkerAnswer[] = []
    for (const marker of markers) {
      answers.push(
        mayWrite ? await write(marker, context) : answer(marker, () => ErrorCode.CLUSTER_AUTHORIZATION_FAILED),
      )
    }
    return { markers: answers }
  },
  failed: ({ markers }, errorCode) => ({ markers: markers.map(marker => answer(marker, () => errorCode)) }),
})

async function write(marker: Marker, { broker }: RequestContext): Promise<MarkerAnswer> {
  const { producerId, producerEpoch: epoch, transactionResult: commit } = marker
  const wanted = marker.topics.flatMap(({ name, partitionIndexes }) =>
    partitionIndexes.map(index => [{ name, id: zeroUuid }, index] as const),
  )
  const catalog = await catalogFor(broker.metadata, wanted)
  const partitions = new Map<string, PartitionId>()
  for (const [topic, index] of wanted) {
    const found = findPartition(catalog, topic, index)
    if (found.ok) partitions.set(`${topic.name}/${index}`, found.partition)
  }
  const producer = { producerId, epoch }
  const end = { id: null, producer, commit, markerEpoch: epoch, next: producer }
  const codes = await broker.transactions.closePartitions(end, [...partitions.values()])
  const places = [...partitions.keys()]
  return answer(marker, (name, index) => {
    const place = places.indexOf(`${name}/${index}`)
    return ErrorCode[place < 0 ? 'UNKNOWN_TOPIC_OR_PARTITION' : codes[place]!]
  })
}

function answer({ producerId, topics }: Marker, codeOf: (topic: string, index: number) => number): MarkerAnswer {
  return {
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map(index => ({ partitionIndex: index, errorCode: codeOf(name, index) })),
    })),
  }
}
