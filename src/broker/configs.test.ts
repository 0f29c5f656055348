import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ErrorCode } from '../kafka/index.ts'
import { resourceTypes } from './config-resources.ts'
import { ConfigSource } from './config-description.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

describe('settings', () => {
  let broker: TestBroker
  let client: TestClient

  before(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
  })
  after(() => broker.close())

  async function describeOf(resourceType: number, resourceName: string, keys: string[] | null = null) {
    const { results } = await client.call('DescribeConfigs', 4, {
      resources: [{ resourceType, resourceName, configurationKeys: keys }],
      includeSynonyms: true,
      includeDocumentation: false,
    })
    assert.equal(results[0]!.errorCode, ErrorCode.NONE)
    return new Map(results[0]!.configs.map(config => [config.name, config]))
  }

  async function alter(
    resourceType: number,
    resourceName: string,
    name: string,
    value: string | null,
    operation: keyof typeof operations = value === null ? 'delete' : 'set',
  ) {
    const { responses } = await client.call('IncrementalAlterConfigs', 1, {
      resources: [{ resourceType, resourceName, configs: [{ name, configOperation: operations[operation], value }] }],
      validateOnly: false,
    })
    return responses[0]!.errorCode
  }

  async function createTopic(name: string) {
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
  }

  const { topic, broker: brokerType, group, clientMetrics, brokerLogger } = resourceTypes

  it('of one broker precede those of all brokers, which precede the defaults, and topics inherit them', async () => {
    await createTopic('follows')
    const name = 'log.retention.ms'
    const shown = async () => {
      const { value, configSource } = (await describeOf(topic, 'follows')).get('retention.ms')!
      return [value, configSource]
    }
    assert.deepEqual(await shown(), ['604800000', ConfigSource.default])
    assert.equal(await alter(brokerType, '', name, '86400000'), ErrorCode.NONE)
    assert.deepEqual(await shown(), ['86400000', ConfigSource.dynamicDefaultBroker])
    assert.equal((await describeOf(brokerType, '')).get(name)!.value, '86400000')
    assert.equal(await alter(brokerType, '1', name, '172800000'), ErrorCode.NONE)
    assert.deepEqual(await shown(), ['172800000', ConfigSource.dynamicBroker])
    assert.equal((await describeOf(brokerType, '1')).get(name)!.configSource, ConfigSource.dynamicBroker)
    assert.equal(await alter(brokerType, '1', name, 'abc'), ErrorCode.INVALID_REQUEST)
    assert.equal(await alter(brokerType, '1', name, null), ErrorCode.NONE)
    assert.deepEqual(await shown(), ['86400000', ConfigSource.dynamicDefaultBroker])
    assert.equal(await alter(brokerType, '', name, null), ErrorCode.NONE)
    assert.deepEqual(await shown(), ['604800000', ConfigSource.default])
    assert.equal((await describeOf(brokerType, '')).size, 0)
  })

  it('of a broker are the defaults of topics', async () => {
    await createTopic('small')
    await alter(brokerType, '', 'message.max.bytes', '10')
    assert.equal((await describeOf(topic, 'small')).get('max.message.bytes')!.value, '10')
    await alter(brokerType, '', 'message.max.bytes', null)
  })

  it('of a broker that are read-only or unknown cannot be changed', async () => {
    assert.equal(await alter(brokerType, '1', 'node.id', '7'), ErrorCode.INVALID_REQUEST)
    assert.equal(await alter(brokerType, '1', 'no.such.setting', '7'), ErrorCode.INVALID_REQUEST)
    assert.equal(await alter(brokerType, '99', 'log.retention.ms', '7'), ErrorCode.INVALID_REQUEST)
    assert.equal(await alter(brokerLogger, '1', 'root', 'DEBUG'), ErrorCode.INVALID_REQUEST)
  })

  it('of a broker include the throttles that reassignment tools set and remove', async () => {
    const name = 'leader.replication.throttled.rate'
    assert.equal(await alter(brokerType, '1', name, '1000'), ErrorCode.NONE)
    assert.equal((await describeOf(brokerType, '1')).get(name)!.value, '1000')
    assert.equal(await alter(brokerType, '1', name, null), ErrorCode.NONE)
  })

  it("of a broker include Kafka's thread counts, within bounds", async () => {
    for (const name of ['num.io.threads', 'log.cleaner.threads', 'background.threads']) {
      assert.equal(await alter(brokerType, '1', name, '4'), ErrorCode.NONE, name)
      const { value, configSource, readOnly } = (await describeOf(brokerType, '1')).get(name)!
      assert.deepEqual([value, configSource, readOnly], ['4', ConfigSource.dynamicBroker, false])
      assert.equal(await alter(brokerType, '1', name, '-1'), ErrorCode.INVALID_REQUEST)
      assert.equal(await alter(brokerType, '1', name, null), ErrorCode.NONE)
    }
    assert.equal((await describeOf(brokerType, '1')).get('num.io.threads')!.value, '8')
  })

  it('with neither a value nor a default are null and have no synonyms', async () => {
    const { value, synonyms } = (await describeOf(brokerType, '1')).get('broker.rack')!
    assert.deepEqual([value, synonyms], [null, []])
  })

  it('of topics have broker settings as synonyms, if any; those of groups have their defaults', async () => {
    await createTopic('synonymous')
    const described = await describeOf(topic, 'synonymous')
    const names = (name: string) => described.get(name)!.synonyms.map(synonym => synonym.name)
    assert.deepEqual(names('cleanup.policy'), ['log.cleanup.policy'])
    assert.deepEqual(names('remote.storage.enable'), [])
    const timeout = (await describeOf(group, 'some')).get('consumer.session.timeout.ms')!
    assert.deepEqual(timeout.synonyms, [
      { name: 'consumer.session.timeout.ms', value: '45000', source: ConfigSource.default },
    ])
  })

  it('of a group are listed, validated and removed', async () => {
    const name = 'consumer.session.timeout.ms'
    const before = await describeOf(group, 'orders')
    assert.equal(before.get(name)!.value, '45000')
    assert.ok(before.has('consumer.heartbeat.interval.ms'))
    assert.equal(await alter(group, 'orders', name, '50000'), ErrorCode.NONE)
    assert.equal(await alter(group, 'orders', name, '1'), ErrorCode.INVALID_CONFIG)
    const { value, configSource } = (await describeOf(group, 'orders')).get(name)!
    assert.deepEqual([value, configSource], ['50000', ConfigSource.group])
    const listed = await client.call('ListConfigResources', 1, { resourceTypes: [group] })
    assert.deepEqual(
      listed.configResources.map(({ resourceName }) => resourceName),
      ['orders'],
    )
    assert.equal(await alter(group, 'orders', name, null), ErrorCode.NONE)
    assert.equal((await describeOf(group, 'orders')).get(name)!.value, '45000')
    assert.equal(await alter(group, '', name, '50000'), ErrorCode.INVALID_REQUEST)
  })

  it('of client metrics accept appends to lists, and reject unknown match keys', async () => {
    assert.equal(await alter(clientMetrics, 'all', 'metrics', 'org.apache.kafka.consumer.', 'append'), ErrorCode.NONE)
    assert.equal(await alter(clientMetrics, 'all', 'metrics', 'org.apache.kafka.producer.', 'append'), ErrorCode.NONE)
    assert.equal(await alter(clientMetrics, 'all', 'match', 'colour=red'), ErrorCode.INVALID_CONFIG)
    assert.equal(await alter(clientMetrics, 'all', 'match', 'client_id=orders-.*'), ErrorCode.NONE)
    const described = await describeOf(clientMetrics, 'all')
    assert.equal(described.get('metrics')!.value, 'org.apache.kafka.consumer.,org.apache.kafka.producer.')
    assert.equal(described.get('interval.ms')!.value, '300000')
    const listed = await client.call('ListConfigResources', 0, {})
    assert.deepEqual(
      listed.configResources.map(({ resourceName }) => resourceName),
      ['all'],
    )
  })

  it('of our own are listed for a topic only if they are set', async () => {
    await createTopic('ours')
    const name = 'warpstream.deletion.protection.enabled'
    assert.ok(!(await describeOf(topic, 'ours')).has(name))
    assert.equal(await alter(topic, 'ours', name, 'true'), ErrorCode.NONE)
    assert.equal((await describeOf(topic, 'ours')).get(name)!.value, 'true')
    assert.ok((await describeOf(topic, 'ours')).has('remote.log.copy.disable'))
  })

  it('that stock tools look up all exist', async () => {
    const wanted =
      'advertised.listeners auto.create.topics.enable broker.id compression.type connections.max.idle.ms default.replication.factor delete.topic.enable group.initial.rebalance.delay.ms group.max.session.timeout.ms group.min.session.timeout.ms listeners log.cleanup.policy log.dirs log.message.timestamp.type log.retention.bytes log.retention.hours log.retention.ms log.segment.bytes message.max.bytes min.insync.replicas node.id num.partitions offsets.retention.minutes offsets.topic.replication.factor process.roles transaction.max.timeout.ms transaction.state.log.replication.factor unclean.leader.election.enable'
    const described = await describeOf(brokerType, '1')
    for (const name of wanted.split(' ')) assert.ok(described.get(name)?.value, name)
  })
})
