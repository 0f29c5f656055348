import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { ErrorCode, errorName, readRecords, writeRecords, zeroUuid } from '../../kafka/index.ts'
import { type Metadata, openSqliteMetadata, type Topic } from '../../metadata/index.ts'
import { openMemoryStore } from '../../storage/index.ts'
import { singleBrokerCluster } from '../cluster.ts'
import { defaultBrokerConfig } from '../config.ts'
import { Groups, OffsetsTopic } from '../groups/index.ts'
import { Leases } from '../leases.ts'
import { type AnyHandler, type ApiName, noResponse, type RequestOf, type ResponseOf } from '../handler.ts'
import { Holds, localLogConfig, openRecordLog, type RecordLog } from '../log/index.ts'
import { Quotas } from '../quotas/quotas.ts'
import { RequestLimits } from '../quotas/request-limits.ts'
import { AclAuthorizer } from '../security/authorizer.ts'
import { ClusterSettings } from '../settings.ts'
import { topicConfig } from '../topic-config.ts'
import { ClientMetrics } from '../telemetry/client-metrics.ts'
import { Transactions } from '../transactions/index.ts'
import produceHandler from './00-produce.ts'
import fetchHandler from './01-fetch.ts'
import listOffsetsHandler from './02-list-offsets.ts'
import initProducerIdHandler from './22-init-producer-id.ts'
import offsetForLeaderEpochHandler from './23-offset-for-leader-epoch.ts'

describe('the record handlers', () => {
  let metadata: Metadata
  let records: RecordLog
  let topic: Topic

  beforeEach(async () => {
    metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
    records = await openRecordLog({
      metadata,
      store: openMemoryStore(),
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
      config: { ...localLogConfig, lingerMs: 0 },
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })
    const [outcome] = await metadata.createTopics([{ name: 't', partitions: 2, configs: {} }])
    assert.ok(outcome?.ok)
    topic = outcome.value
  })
  afterEach(async () => {
    await records.close()
    await metadata.close()
  })

  async function call<Name extends ApiName>(handler: AnyHandler, version: number, request: RequestOf<Name>) {
    const settings = { initialRebalanceDelayMs: 0, maxSize: 10 }
    const timeouts = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000 }
    const consumers = { maxSize: 10, timeoutsOf: () => timeouts }
    const retention = { offsetsRetentionMs: 1000, checkIntervalMs: 1_000_000 }
    const world = { metadata, clock: systemClock, random: systemRandom, log: nullLog }
    const leases = new Leases({ ...world, holder: { id: 'one', nodeId: 1, host: '', port: 1 }, durationMs: 10_000 })
    const groups = new Groups({ ...world, leases, settings, consumers, retention })
    const clusterSettings = await ClusterSettings.open({ ...world, config: defaultBrokerConfig })
    const transactions = new Transactions({
      ...world,
      leases,
      records,
      settings: { abortCheckIntervalMs: 1_000_000, idExpirationMs: 1_000_000, expiryCheckIntervalMs: 1_000_000 },
    })
    const quotas = new Quotas(clusterSettings, systemClock)
    const authorizer = await AclAuthorizer.open({ metadata, clock: systemClock, log: nullLog })
    const answer = await handler.handle(request, {
      version,
      fence: undefined,
      clientId: 'test',
      limits: new RequestLimits(quotas, { user: '', clientId: 'test' }),
      holds: new Holds(),
      hangUp: reason => assert.fail(reason),
      access: authorizer.accessOf({ principals: [], superuser: false, host: '' }),
      connection: {
        id: 1,
        remoteAddress: '',
        remotePort: 0,
        software: { name: '', version: '' },
        signal: new AbortController().signal,
        sasl: undefined,
      },
      broker: {
        ...world,
        config: defaultBrokerConfig,
        settings: clusterSettings,
        quotas,
        cluster: singleBrokerCluster(defaultBrokerConfig),
        store: {},
        records,
        leases,
        authorizer,
        groups,
        offsetsTopic: new OffsetsTopic({ ...world, records }),
        transactions,
        telemetry: new ClientMetrics(clusterSettings, systemClock),
        handlers: [],
      },
    })
    authorizer.close()
    await clusterSettings.close()
    await groups.close()
    await transactions.close()
    await leases.close()
    // The handler's answer is that of its API.
    return answer as ResponseOf<Name>
  }

  const batch = (...texts: string[]) =>
    writeRecords(
      texts.map(text => ({ value: Buffer.from(text) })),
      { timestamp: 1000 },
    )
  const produceAll = (
    parts: [number, Buffer | null][],
    { version = 9, acks = -1, name = 't', topicId = zeroUuid } = {},
  ) => {
    const partitionData = parts.map(([index, bytes]) => ({ index, records: bytes }))
    const topicData = [{ name, topicId, partitionData }]
    return call<'Produce'>(produceHandler, version, { transactionalId: null, acks, timeoutMs: 1000, topicData })
  }
  const produce = async (...args: Parameters<typeof produceAll>) =>
    (await produceAll(...args)).responses[0]!.partitionResponses.map(({ errorCode = 0, baseOffset }) =>
      errorCode === 0 ? baseOffset : errorName(errorCode),
    )
  const fetch = async (parts: [number, number][], { version = 12, name = 't', topicId = zeroUuid } = {}) => {
    const partitions = parts.map(([partition, fetchOffset]) => {
      const unused = { lastFetchedEpoch: -1, logStartOffset: -1, replicaDirectoryId: zeroUuid, highWatermark: 0 }
      return { partition, fetchOffset, partitionMaxBytes: 1e6, currentLeaderEpoch: -1, ...unused }
    })
    const limits = { maxWaitMs: 0, minBytes: 1, maxBytes: 1e6, isolationLevel: 0 }
    const session = { sessionId: 0, sessionEpoch: -1, forgottenTopicsData: [] }
    const unused = { clusterId: null, replicaId: -1, replicaState: null, rackId: '' }
    const topics = [{ topic: name, topicId, partitions }]
    const answer = await call<'Fetch'>(fetchHandler, version, { ...limits, ...session, ...unused, topics })
    return answer.responses[0]!.partitions.map(({ errorCode = 0, records: slices }) => {
      if (errorCode !== 0) return errorName(errorCode)
      const bytes = Buffer.concat([slices ?? []].flat())
      return bytes.length === 0 ? [] : readRecords(bytes).map(({ value }) => String(value))
    })
  }
  const listOffset = async (timestamp: number, { version = 9, index = 0, name = 't' } = {}) => {
    const partitions = [{ partitionIndex: index, timestamp, currentLeaderEpoch: -1 }]
    const request = { replicaId: -1, isolationLevel: 0, timeoutMs: 0, topics: [{ name, partitions }] }
    const answer = await call<'ListOffsets'>(listOffsetsHandler, version, request)
    const { errorCode = 0, offset = -1, timestamp: found = -1 } = answer.topics[0]!.partitions[0]!
    return errorCode === 0 ? [offset, found] : errorName(errorCode)
  }

  it('store and read, by name and by id', async () => {
    assert.deepEqual(
      await produce([
        [0, batch('a', 'b')],
        [1, batch('c')],
      ]),
      [0, 0],
    )
    assert.deepEqual(await produce([[0, batch('d')]], { version: 13, name: '', topicId: topic.id }), [2])
    assert.deepEqual(
      await fetch([
        [1, 0],
        [0, 2],
      ]),
      [['c'], ['d']],
    )
    assert.deepEqual(await fetch([[0, 2]], { version: 13, name: '', topicId: topic.id }), [['d']])
  })

  it('answer each partition independently', async () => {
    const corrupt = batch('x')
    corrupt[65]! ^= 1
    const outcomes = await produce([
      [0, corrupt],
      [1, batch('a')],
      [7, batch('a')],
      [0, null],
    ])
    assert.deepEqual(outcomes, ['CORRUPT_MESSAGE', 0, 'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_RECORD'])
    assert.deepEqual(
      await fetch([
        [0, 5],
        [1, 0],
        [7, 0],
      ]),
      ['OFFSET_OUT_OF_RANGE', ['a'], 'UNKNOWN_TOPIC_OR_PARTITION'],
    )
  })

  it('keep the order of requests that include unknown partitions', async () => {
    const first = produceAll([
      [0, batch('a')],
      [7, batch('x')],
    ])
    const second = produceAll([[0, batch('b')]])
    await Promise.all([first, second])
    assert.deepEqual(await fetch([[0, 0]]), [['a']])
    assert.deepEqual(await fetch([[0, 1]]), [['b']])
  })

  it('report unknown topics and partitions', async () => {
    const missing = '00000000-0000-4000-8000-000000000001'
    assert.deepEqual(await produce([[0, batch('a')]], { name: 'u' }), ['UNKNOWN_TOPIC_OR_PARTITION'])
    assert.deepEqual(await produce([[0, batch('a')]], { version: 13, topicId: missing }), ['UNKNOWN_TOPIC_ID'])
    assert.deepEqual(await fetch([[0, 0]], { version: 13, topicId: missing }), ['UNKNOWN_TOPIC_ID'])
    assert.equal(await listOffset(-1, { name: 'u' }), 'UNKNOWN_TOPIC_OR_PARTITION')
    assert.equal(await listOffset(-1, { index: 7 }), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  it('do not respond to acks=0', async () => {
    assert.equal(await produceAll([[0, batch('a')]], { acks: 0 }), noResponse)
    assert.deepEqual(await produce([[0, batch('b')]]), [1])
  })

  it('reject invalid acks and unsupported versions of Produce', async () => {
    assert.deepEqual(await produce([[0, batch('a')]], { acks: 2 }), ['INVALID_REQUIRED_ACKS'])
    assert.deepEqual(await produce([[0, batch('a')]], { version: 2 }), ['UNSUPPORTED_VERSION'])
    assert.deepEqual(await listOffset(-1), [0, -1])
  })

  it('find offsets at both ends and by timestamp', async () => {
    await produce([[0, batch('a', 'b')]])
    assert.deepEqual(await listOffset(-1), [2, -1])
    assert.deepEqual(await listOffset(-2), [0, -1])
    assert.deepEqual(await listOffset(-3), [0, 1000])
    assert.deepEqual(await listOffset(-3, { index: 1 }), [-1, -1])
    assert.deepEqual(await listOffset(-4), [0, -1])
    assert.deepEqual(await listOffset(-5), [-1, -1])
    assert.deepEqual(await listOffset(999), [0, 1000])
    assert.deepEqual(await listOffset(1001), [-1, -1])
    assert.equal(await listOffset(-3, { version: 6 }), 'UNSUPPORTED_VERSION')
    assert.equal(await listOffset(-9), 'UNSUPPORTED_VERSION')
  })

  it('assign every producer its own id', async () => {
    const request = { transactionalId: null, transactionTimeoutMs: 0, producerId: -1, producerEpoch: -1 }
    const one = await call<'InitProducerId'>(initProducerIdHandler, 4, request)
    const other = await call<'InitProducerId'>(initProducerIdHandler, 4, request)
    assert.notEqual(one.producerId, other.producerId)
    assert.deepEqual([one.producerEpoch, other.producerEpoch], [0, 0])
  })

  it('know a single leader epoch, 0', async () => {
    await produce([[0, batch('a', 'b')]])
    const ask = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
      const partitions = [{ partition: 0, leaderEpoch, currentLeaderEpoch }]
      const request = { replicaId: -1, topics: [{ topic: 't', partitions }] }
      const answer = await call<'OffsetForLeaderEpoch'>(offsetForLeaderEpochHandler, 4, request)
      const { errorCode, endOffset = -1 } = answer.topics[0]!.partitions[0]!
      return errorCode === ErrorCode.NONE ? endOffset : errorName(errorCode ?? 0)
    }
    assert.deepEqual([await ask(0), await ask(1), await ask(0, 3)], [2, -1, 'UNKNOWN_LEADER_EPOCH'])
  })
})
