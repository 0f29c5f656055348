import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { errorName } from '../kafka/index.ts'
import { openStore } from '../storage/index.ts'
import { logDir } from './broker-settings.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

describe('administrative requests', () => {
  let folder: string
  let broker: TestBroker
  let client: TestClient

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'penstock-admin-'))
    broker = await startTestBroker({}, 0, await openStore(pathToFileURL(folder).href))
    client = await broker.connect()
    const topic = { name: 'orders', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
  })
  after(async () => {
    await broker.close()
    await rm(folder, { recursive: true })
  })

  it('DescribeQuorum: every broker has caught up with the leader', async () => {
    const { topics, nodes, errorCode } = await client.call('DescribeQuorum', 2, {
      topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }],
    })
    assert.equal(errorName(errorCode), 'NONE')
    const [quorum, unknown] = topics[0]!.partitions
    assert.equal(quorum!.leaderId, 1)
    assert.deepEqual(
      quorum!.currentVoters.map(voter => [voter.replicaId, voter.logEndOffset]),
      [[1, quorum!.highWatermark]],
    )
    assert.equal(errorName(unknown!.errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(nodes[0]!.listeners[0]!.port, broker.port)
  })

  it('features: their levels state the Kafka version, and cannot be changed', async () => {
    const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const { supportedFeatures, finalizedFeatures, finalizedFeaturesEpoch } = await client.call(
      'ApiVersions',
      4,
      request,
    )
    assert.ok(finalizedFeaturesEpoch >= 0)
    const supported = new Map(supportedFeatures.map(feature => [feature.name, feature]))
    for (const { name, maxVersionLevel } of finalizedFeatures) {
      const { minVersion, maxVersion } = supported.get(name)!
      assert.ok(minVersion <= maxVersionLevel && maxVersionLevel <= maxVersion, name)
    }
    const level = finalizedFeatures.find(({ name }) => name === 'metadata.version')!.maxVersionLevel
    const update = async (feature: string, maxVersionLevel: number) => {
      const featureUpdates = [{ feature, maxVersionLevel, upgradeType: 1 }]
      const { errorCode } = await client.call('UpdateFeatures', 1, { featureUpdates, validateOnly: false })
      return errorName(errorCode)
    }
    assert.equal(await update('metadata.version', level), 'NONE')
    assert.equal(await update('metadata.version', level + 1), 'INVALID_UPDATE_VERSION')
    assert.equal(await update('no.such.feature', 1), 'INVALID_UPDATE_VERSION')
  })

  it('features with minimum level 0 are hidden from clients that cannot decode them', async () => {
    const { supportedFeatures } = await client.call('ApiVersions', 3, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1',
    })
    assert.deepEqual(
      supportedFeatures.map(({ name }) => name),
      ['metadata.version'],
    )
  })

  it('reassignments to known brokers complete immediately', async () => {
    const reassign = async (name: string, partitionIndex: number, replicas: number[] | null) => {
      const topics = [{ name, partitions: [{ partitionIndex, replicas }] }]
      const { responses, errorCode } = await client.call('AlterPartitionReassignments', 1, { topics })
      assert.equal(errorName(errorCode), 'NONE')
      return errorName(responses[0]!.partitions[0]!.errorCode)
    }
    assert.equal(await reassign('orders', 0, [1]), 'NONE')
    assert.equal(await reassign('orders', 0, [7]), 'INVALID_REPLICA_ASSIGNMENT')
    assert.equal(await reassign('orders', 0, null), 'NO_REASSIGNMENT_IN_PROGRESS')
    assert.equal(await reassign('orders', 9, [1]), 'UNKNOWN_TOPIC_OR_PARTITION')
    const { topics } = await client.call('ListPartitionReassignments', 0, { timeoutMs: 1000, topics: null })
    assert.deepEqual(topics, [])
  })

  it('log directories: there is one, with the size of its disk, and replicas can be moved to it alone', async () => {
    const { results } = await client.call('DescribeLogDirs', 4, { topics: null })
    const [bucket] = results
    assert.equal(bucket!.logDir, logDir)
    assert.ok(bucket!.totalBytes > 0 && bucket!.usableBytes >= 0 && bucket!.usableBytes <= bucket!.totalBytes)
    const move = async (path: string, partition: number) => {
      const dirs = [{ path, topics: [{ name: 'orders', partitions: [partition] }] }]
      const answer = await client.call('AlterReplicaLogDirs', 2, { dirs })
      return errorName(answer.results[0]!.partitions[0]!.errorCode)
    }
    assert.equal(await move(logDir, 1), 'NONE')
    assert.equal(await move(logDir, 2), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await move('/elsewhere', 0), 'LOG_DIR_NOT_FOUND')
  })
})
