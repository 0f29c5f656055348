import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { writeRecords } from '../kafka/index.ts'
import { LatencyHistogram, latencyBoundsSeconds } from './latency-histogram.ts'
import { startTestBroker, type TestBroker, type TestClient } from './test-client.ts'

describe('metrics of the Kafka port', () => {
  let broker: TestBroker
  let client: TestClient

  before(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
  })
  after(() => broker.close())

  it('report the lag of groups, in records and in seconds, and request latencies', async () => {
    const topic = { name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
    await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
    const hourAgo = Date.now() - 3_600_000
    const values = ['a', 'b', 'c'].map(value => ({ value: Buffer.from(value) }))
    const records = writeRecords(values, { timestamp: hourAgo })
    await client.call('Produce', 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records }] }],
    })
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, committedMetadata: null }]
    await client.call('OffsetCommit', 8, {
      groupId: 'billing',
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: 'orders', partitions }],
    })
    const text = await broker.broker.metricsText()
    const labels = '{consumer_group="billing",partition="0",topic="orders"}'
    const valueOf = (name: string) =>
      Number(
        text
          .split('\n')
          .find(line => line.startsWith(name))
          ?.split(' ')
          .at(-1),
      )
    assert.equal(valueOf(`warpstream_consumer_group_lag${labels}`), 2)
    assert.equal(valueOf(`warpstream_consumer_group_max_offset${labels}`), 1)
    const seconds = `warpstream_consumer_group_estimated_lag_very_coarse_do_not_use_to_measure_e2e_seconds${labels}`
    assert.ok(valueOf(seconds) >= 3600)
    assert.equal(valueOf('warpstream_consumer_group_state{consumer_group="billing",group_state="Empty"}'), 1)
    assert.equal(valueOf('warpstream_agent_kafka_request_latency_count{request_type="Produce"}'), 1)
    for (const stage of ['queue', 'flush', 'put', 'commit', 'answer']) {
      assert.equal(valueOf(`penstock_kafka_produce_stage_latency_count{stage="${stage}"}`), 1)
    }
    assert.equal(valueOf('warpstream_topics_count'), 1)
  })

  it('count latencies in cumulative buckets', () => {
    const histogram = new LatencyHistogram()
    for (const ms of [0.5, 3, 3, 60_000]) histogram.observe(ms)
    const cumulative = histogram.cumulative()
    assert.equal(cumulative[latencyBoundsSeconds.indexOf(0.001)], 1)
    assert.equal(cumulative[latencyBoundsSeconds.indexOf(0.005)], 3)
    assert.equal(cumulative.at(-1), 3)
    assert.equal(histogram.count, 4)
  })
})
