// DescribeLogDirs v0–v4: how much each partition holds. There is one directory, the bucket.
//
// Behaviour: null asks for all topics; what does not exist is left out. v4 the volume's size, which a bucket has not.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

const logDir = '/bucket'

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
    const topics = Map.groupBy(
      found.map(({ topic, partitionIndex }, i) => ({
        topic,
        partitionIndex,
        partitionSize: bounds[i]?.sizeBytes ?? 0,
      })),
      ({ topic }) => topic,
    )
    return { results: [{ logDir, topics: [...topics].map(([name, partitions]) => ({ name, partitions })) }] }
  },
})
