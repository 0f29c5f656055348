// DescribeLogDirs v0–v4: the size of each partition. There is one directory, the bucket.
//
// Behaviour: null requests all topics; what does not exist is omitted. v4 the volume's size: that of the disk for a
// bucket in a folder, unknown (-1) for an object store (KIP-827).
import { ErrorCode } from '../../kafka/index.ts'
import { StorageError } from '../../storage/index.ts'
import { logDir } from '../broker-settings.ts'
import { type BrokerContext, defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

const unknownBytes = -1

export default defineHandler('DescribeLogDirs', {
  async handle(request, { access, broker }) {
    if (!allowsCluster(access, 'describe')) return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, results: [] }
    const { byName } = await broker.metadata.refresh()
    const wanted =
      request.topics ?? [...byName].map(([topic, { partitions }]) => ({ topic, partitions: [...partitions.keys()] }))
    const found = wanted.flatMap(({ topic, partitions }) =>
      partitions.flatMap(partitionIndex => {
        const partition = byName.get(topic)?.partitions[partitionIndex]
        return partition === undefined ? [] : [{ topic, partitionIndex, partition }]
      }),
    )
    const bounds = await broker.metadata.bounds(found.map(({ partition }) => partition))
    const capacity = await capacityOf(broker)
    const topics = Map.groupBy(
      found.map(({ topic, partitionIndex }, i) => ({
        topic,
        partitionIndex,
        partitionSize: bounds[i]?.sizeBytes ?? 0,
      })),
      ({ topic }) => topic,
    )
    return {
      results: [
        {
          logDir,
          topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
          totalBytes: capacity?.totalBytes ?? unknownBytes,
          usableBytes: capacity?.usableBytes ?? unknownBytes,
        },
      ],
    }
  },
  failed: (_request, errorCode) => ({ errorCode, results: [{ errorCode, logDir, topics: [] }] }),
})

async function capacityOf({ store, log }: BrokerContext) {
  try {
    return await store.capacity?.()
  } catch (error) {
    if (!(error instanceof StorageError)) throw error
    log.warn('the size of the bucket could not be read', { error: error.message })
    return null
  }
}
