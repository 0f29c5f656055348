// AlterReplicaLogDirs v1–v2: there is one directory, the bucket, and every partition is in it already (KIP-113).
import { ErrorCode } from '../../kafka/index.ts'
import { logDir } from '../broker-settings.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('AlterReplicaLogDirs', {
  async handle({ dirs }, { access, broker }) {
    const mayAlter = allowsCluster(access, 'alter')
    const { byName } = await broker.metadata.refresh()
    const errorOf = (path: string, topic: string, partition: number) => {
      if (!mayAlter) return ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      if (path !== logDir) return ErrorCode.LOG_DIR_NOT_FOUND
      const isKnown = byName.get(topic)?.partitions[partition] !== undefined
      return isKnown ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }
    const results = dirs.flatMap(({ path, topics }) =>
      topics.map(({ name, partitions }) => ({
        topicName: name,
        partitions: partitions.map(partitionIndex => ({
          partitionIndex,
          errorCode: errorOf(path, name, partitionIndex),
        })),
      })),
    )
    return { results }
  },
  failed: ({ dirs }, errorCode) => ({
    results: dirs.flatMap(({ topics }) =>
      topics.map(({ name: topicName, partitions }) => ({
        topicName,
        partitions: partitions.map(partitionIndex => ({ partitionIndex, errorCode })),
      })),
    ),
  }),
})
