import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { asError, type Clock, nullLog, systemClock } from '../../base/index.ts'
import { errorName, writeRecords } from '../../kafka/index.ts'
import type { Metadata } from '../../metadata/index.ts'
import { defaultBrokerConfig } from '../config.ts'
import { ClusterSettings } from '../settings.ts'
import { startTestBroker, type TestBroker, type TestClient } from '../test-client.ts'
import { entityText, type QuotaEntity } from './entity.ts'
import { Quotas } from './quotas.ts'

describe('quotas', () => {
  /** Quotas with a clock that the test advances. */
  async function quotasOf(limits: readonly [QuotaEntity, string, string][]) {
    let now = 0
    const settings = limits.map(([entity, name, value]) => ({ kind: 'quota', entity: entityText(entity), name, value }))
    // Everything that the settings request from the metadata.
    const metadata = { settings: async () => ({ version: 1, settings }) } as unknown as Metadata
    // The test advances the time, since what it tests is how long a client waits.
    const stopped: Clock = { ...systemClock, monotonic: () => now, sleep: (_ms, signal) => untilAborted(signal!) }
    const cluster = await ClusterSettings.open({ metadata, clock: stopped, log: nullLog, config: defaultBrokerConfig })
    await cluster.close()
    return { quotas: new Quotas(cluster, stopped), pass: (ms: number) => (now += ms) }
  }

  const alice = { user: 'alice', clientId: 'app' }

  it("allow bursts of ten seconds of a client's rate, and throttle it beyond that", async () => {
    const { quotas, pass } = await quotasOf([[{ user: 'alice' }, 'producer_byte_rate', '1000']])
    assert.equal(quotas.use(alice, { producedBytes: 10_000 }), 0)
    assert.equal(quotas.use(alice, { producedBytes: 2_000 }), 2_000)
    pass(2_000)
    assert.equal(quotas.use(alice, { producedBytes: 500 }), 500)
    assert.equal(quotas.use({ ...alice, user: 'bob' }, { producedBytes: 1_000_000 }), 0)
    assert.equal(quotas.use(alice, { fetchedBytes: 1_000_000 }), 0)
  })

  it('apply the most specific one', async () => {
    const { quotas } = await quotasOf([
      [{ 'client-id': null }, 'consumer_byte_rate', '1'],
      [{ user: null }, 'consumer_byte_rate', '10'],
      [{ user: 'alice' }, 'consumer_byte_rate', '100'],
      [{ user: 'alice', 'client-id': 'app' }, 'consumer_byte_rate', '1000'],
    ])
    const burstOf = (user: string, clientId: string) => {
      let used = 0
      while (quotas.use({ user, clientId }, { fetchedBytes: 10 }) === 0) used += 10
      return used
    }
    assert.equal(burstOf('alice', 'app'), 10_000)
    assert.equal(burstOf('alice', 'other'), 1_000)
    assert.equal(burstOf('bob', 'app'), 100)
  })

  it('count the time that the broker spends on a client', async () => {
    const { quotas } = await quotasOf([[{ 'client-id': 'app' }, 'request_percentage', '10']])
    assert.equal(quotas.use(alice, { busyMs: 1_000 }), 0)
    assert.equal(quotas.use(alice, { busyMs: 10 }), 100)
  })

  it('throttle connections from an address', async () => {
    const { quotas } = await quotasOf([[{ ip: null }, 'connection_creation_rate', '1']])
    for (let i = 0; i < 10; i++) assert.equal(quotas.connect('10.0.0.1'), 0)
    assert.equal(quotas.connect('10.0.0.1'), 1_000)
    assert.equal(quotas.connect('10.0.0.2'), 0)
  })

  describe('over the Kafka port', () => {
    let broker: TestBroker
    let client: TestClient

    before(async () => {
      broker = await startTestBroker()
      client = await broker.connect()
    })
    after(() => broker.close())

    type Entity = { entityType: string; entityName: string | null }[]

    async function alter(entity: Entity, key: string, value: number | null) {
      const ops = [{ key, value: value ?? 0, remove: value === null }]
      const { entries } = await client.call('AlterClientQuotas', 1, { entries: [{ entity, ops }], validateOnly: false })
      return errorName(entries[0]!.errorCode)
    }

    async function describeQuotas(components: { entityType: string; matchType: number; match: string | null }[]) {
      const answer = await client.call('DescribeClientQuotas', 1, { components, strict: false })
      assert.equal(errorName(answer.errorCode), 'NONE')
      return answer.entries!
    }

    const clientId = (name: string | null): Entity => [{ entityType: 'client-id', entityName: name }]

    it('are set, described by filters, and removed', async () => {
      assert.equal(await alter(clientId('a'), 'producer_byte_rate', 1000), 'NONE')
      assert.equal(await alter(clientId(null), 'request_percentage', 12.5), 'NONE')
      const any = await describeQuotas([{ entityType: 'client-id', matchType: 2, match: null }])
      assert.equal(any.length, 2)
      const fallback = await describeQuotas([{ entityType: 'client-id', matchType: 1, match: null }])
      assert.deepEqual(
        fallback.map(({ entity, values }) => [entity[0]!.entityName, values[0]!.key, values[0]!.value]),
        [[null, 'request_percentage', 12.5]],
      )
      const exact = await describeQuotas([{ entityType: 'client-id', matchType: 0, match: 'a' }])
      assert.equal(exact[0]!.values[0]!.value, 1000)
      assert.equal(await alter(clientId('a'), 'producer_byte_rate', null), 'NONE')
      assert.equal(await alter(clientId(null), 'request_percentage', null), 'NONE')
      assert.deepEqual(await describeQuotas([]), [])
    })

    it('that are invalid are rejected', async () => {
      const refused = [
        await alter([], 'producer_byte_rate', 1),
        await alter([{ entityType: 'colour', entityName: 'red' }], 'producer_byte_rate', 1),
        await alter(clientId(''), 'producer_byte_rate', 1),
        await alter(clientId('a'), 'no_such_rate', 1),
        await alter(clientId('a'), 'connection_creation_rate', 1),
        await alter(clientId('a'), 'producer_byte_rate', 0),
        await alter(clientId('a'), 'producer_byte_rate', 1.5),
        await alter([...clientId('a'), { entityType: 'ip', entityName: '10.0.0.1' }], 'producer_byte_rate', 1),
      ]
      assert.deepEqual(new Set(refused), new Set(['INVALID_REQUEST']))
    })

    it('tell a producer that exceeds its rate how long it is throttled, and answer it afterwards', async () => {
      const topic = { name: 'limited', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
      await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
      await alter(clientId('test'), 'producer_byte_rate', 10_000)
      const produce = () => {
        const records = writeRecords([{ value: Buffer.alloc(60_000) }], { timestamp: Date.now() })
        const topicData = [{ name: 'limited', partitionData: [{ index: 0, records }] }]
        return client.call('Produce', 9, { transactionalId: null, acks: 1, timeoutMs: 1000, topicData })
      }
      assert.equal((await produce()).throttleTimeMs, 0)
      assert.ok((await produce()).throttleTimeMs > 0)
      await alter(clientId('test'), 'producer_byte_rate', null)
      const answer = await produce()
      assert.equal(answer.throttleTimeMs, 0)
      assert.equal(errorName(answer.responses[0]!.partitionResponses[0]!.errorCode), 'NONE')
    })

    it('limit how many partitions a client creates', async () => {
      await alter(clientId('test'), 'controller_mutation_rate', 1)
      const create = async (name: string) => {
        const topic = { name, numPartitions: 11, replicationFactor: 1, assignments: [], configs: [] }
        const answer = await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
        return [errorName(answer.topics[0]!.errorCode), answer.throttleTimeMs > 0]
      }
      assert.deepEqual(await create('first'), ['NONE', false])
      assert.deepEqual(await create('second'), ['THROTTLING_QUOTA_EXCEEDED', true])
    })

    it('limit how many partitions a client deletes', async () => {
      await alter(clientId('test'), 'controller_mutation_rate', 5)
      const create = async (name: string) => {
        const topic = { name, numPartitions: 60, replicationFactor: 1, assignments: [], configs: [] }
        await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
      }
      const remove = async (version: number, name: string) => {
        const answer = await client.call('DeleteTopics', version, { topicNames: [name], timeoutMs: 1000 })
        return [errorName(answer.responses[0]!.errorCode), answer.throttleTimeMs > 0]
      }
      await create('many')
      assert.deepEqual(await remove(5, 'many'), ['THROTTLING_QUOTA_EXCEEDED', true])
      // A client that does not know the error is only throttled.
      await create('more')
      assert.deepEqual(await remove(4, 'more'), ['NONE', true])
    })
  })
})

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(asError(signal.reason))))
}
