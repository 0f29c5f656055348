import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { errorName, ProtocolError, zeroUuid } from '../../kafka/index.ts'
import { startTestBroker, type TestBroker, type TestClient } from '../test-client.ts'
import { readMetrics } from './otlp.ts'
import { subscriptionFor } from './subscriptions.ts'

describe('OTLP metrics', () => {
  it('are decoded with their attributes, kinds and temporality', () => {
    const message = metricsData(
      sum('org.apache.kafka.producer.sends.total', { 'node.id': '1' }, 5n),
      gauge('org.apache.kafka.producer.rate', {}, 0.5),
    )
    assert.deepEqual(readMetrics(message), [
      {
        name: 'org.apache.kafka.producer.sends.total',
        kind: 'counter',
        isDelta: true,
        attributes: { 'node.id': '1' },
        value: 5,
      },
      { name: 'org.apache.kafka.producer.rate', kind: 'gauge', isDelta: false, attributes: {}, value: 0.5 },
    ])
  })

  it('are rejected when truncated', () => {
    const message = metricsData(gauge('rate', {}, 0.5))
    for (let length = 1; length < message.length; length++) {
      assert.throws(() => readMetrics(message.subarray(0, length)), ProtocolError)
    }
  })
})

describe('a subscription', () => {
  const client = {
    client_instance_id: 'id',
    client_id: 'orders-7',
    client_software_name: 'apache-kafka-java',
    client_software_version: '4.1.0',
    client_source_address: '10.0.0.1',
    client_source_port: '4242',
  }

  it('combines all matching subscriptions, at the shortest interval', () => {
    const one = { metrics: 'a.,b.', 'interval.ms': '5000', match: 'client_id=orders-.*' }
    const other = {
      metrics: 'b.,c.',
      'interval.ms': '1000',
      match: 'client_software_name=.*java,client_source_port=42.*',
    }
    const { metrics, intervalMs } = subscriptionFor(client, [one, other, { metrics: 'd.', match: 'client_id=orders' }])
    assert.deepEqual([metrics, intervalMs], [['a.', 'b.', 'c.'], 1000])
    assert.deepEqual(subscriptionFor(client, [one, { metrics: '*' }]).metrics, ['*'])
  })

  it('gets a new id when it changes', () => {
    const settings: Record<string, string>[] = [{}, { metrics: 'a.' }, { metrics: 'a.', 'interval.ms': '1000' }]
    assert.equal(new Set(settings.map(one => subscriptionFor(client, [one]).id)).size, 3)
  })
})

describe('client metrics', () => {
  let broker: TestBroker
  let client: TestClient

  beforeEach(async () => {
    broker = await startTestBroker()
    client = await broker.connect()
    await client.call('ApiVersions', 3, { clientSoftwareName: 'some-client', clientSoftwareVersion: '1.2.3' })
  })
  afterEach(() => broker.close())

  const subscribe = (clientInstanceId = zeroUuid) => client.call('GetTelemetrySubscriptions', 0, { clientInstanceId })

  const setSubscription = async (configs: Record<string, string>) => {
    const resource = {
      resourceType: 16,
      resourceName: 'all',
      configs: Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value })),
    }
    const { responses } = await client.call('IncrementalAlterConfigs', 1, {
      resources: [resource],
      validateOnly: false,
    })
    return errorName(responses[0]!.errorCode)
  }

  const push = async (clientInstanceId: string, subscriptionId: number, metrics: Buffer, changes = {}) => {
    const request = { clientInstanceId, subscriptionId, terminating: false, compressionType: 0, metrics, ...changes }
    return errorName((await client.call('PushTelemetry', 0, request)).errorCode)
  }

  it('are requested only from clients that match a subscription', async () => {
    const nothing = await subscribe()
    assert.notEqual(nothing.clientInstanceId, zeroUuid)
    assert.deepEqual([nothing.errorCode, nothing.requestedMetrics, nothing.pushIntervalMs], [0, [], 300_000])
    await setSubscription({ metrics: 'org.apache.', 'interval.ms': '100', match: 'client_software_name=some-.*' })
    const { requestedMetrics, pushIntervalMs, acceptedCompressionTypes } = await subscribe()
    assert.deepEqual([requestedMetrics, pushIntervalMs], [['org.apache.'], 100])
    assert.deepEqual(acceptedCompressionTypes, [4, 3, 1, 2])
  })

  it('are exposed by client, with deltas added up', async () => {
    await setSubscription({ metrics: '*', 'interval.ms': '100' })
    const { clientInstanceId: id, subscriptionId } = await subscribe()
    const message = metricsData(sum('sends.total', { 'node.id': '1' }, 5n), gauge('send.rate', {}, 0.5))
    const compressed = zstdCompressSync(message)
    assert.equal(await push(id, subscriptionId, compressed, { compressionType: 4 }), 'NONE')
    assert.equal(await push(id, subscriptionId, message, { terminating: true }), 'NONE')
    const text = await broker.broker.metricsText()
    const labels = `client_id="test",client_instance_id="${id}",client_software_name="some-client"`
    assert.ok(text.includes(`# TYPE sends_total counter\nsends_total{${labels},node_id="1"} 10\n`), text)
    assert.ok(text.includes(`# TYPE send_rate gauge\nsend_rate{${labels}} 0.5\n`), text)
  })

  it('are rejected from clients that push too early or with an outdated subscription', async () => {
    await setSubscription({ metrics: '*', 'interval.ms': '3600000' })
    const { clientInstanceId: id, subscriptionId } = await subscribe()
    const message = metricsData(gauge('rate', {}, 1))
    const { errorCode, ...refused } = await subscribe(id)
    assert.equal(errorName(errorCode), 'THROTTLING_QUOTA_EXCEEDED')
    assert.deepEqual([refused.clientInstanceId, refused.deltaTemporality], [zeroUuid, false])
    assert.equal(await push(zeroUuid, subscriptionId, message), 'INVALID_REQUEST')
    assert.equal(await push(id, subscriptionId + 1, message), 'UNKNOWN_SUBSCRIPTION_ID')
    // That answer is a reason to ask again.
    assert.equal(errorName((await subscribe(id)).errorCode), 'NONE')
    assert.equal(await push(id, subscriptionId, message), 'NONE')
    assert.equal(await push(id, subscriptionId, message), 'THROTTLING_QUOTA_EXCEEDED')
    assert.equal(await push(id, subscriptionId, message, { terminating: true }), 'NONE')
    assert.equal(await push(id, subscriptionId, message, { terminating: true }), 'INVALID_REQUEST')
  })

  it('are rejected if they cannot be decoded', async () => {
    const refusals: [Buffer, number, string][] = [
      [Buffer.from([0xff]), 0, 'INVALID_RECORD'],
      [Buffer.from('no zstd'), 4, 'INVALID_RECORD'],
      [Buffer.alloc(0), 9, 'UNSUPPORTED_COMPRESSION_TYPE'],
      [Buffer.alloc(1024 * 1024 + 1), 0, 'TELEMETRY_TOO_LARGE'],
    ]
    for (const [metrics, compressionType, error] of refusals) {
      const { clientInstanceId: id, subscriptionId } = await subscribe()
      assert.equal(await push(id, subscriptionId, metrics, { compressionType }), error)
    }
  })

  it('are selected by valid RE2 patterns only', async () => {
    assert.equal(await setSubscription({ match: 'client_id=(' }), 'INVALID_CONFIG')
    assert.equal(await setSubscription({ match: 'colour=red' }), 'INVALID_CONFIG')
    assert.equal(await setSubscription({ match: 'client_id=a=b' }), 'NONE')
  })
})

// OTLP messages as a client encodes them.

function metricsData(...metrics: Buffer[]): Buffer {
  return field(1, field(2, ...metrics.map(metric => field(2, metric))))
}

function sum(name: string, attributes: Record<string, string>, value: bigint): Buffer {
  const bytes = Buffer.alloc(9, (6 << 3) | 1)
  bytes.writeBigInt64LE(value, 1)
  const deltaAndMonotonic = Buffer.from([2 << 3, 1, 3 << 3, 1])
  return Buffer.concat([field(1, Buffer.from(name)), field(7, point(attributes, bytes), deltaAndMonotonic)])
}

function gauge(name: string, attributes: Record<string, string>, value: number): Buffer {
  const bytes = Buffer.alloc(9, (4 << 3) | 1)
  bytes.writeDoubleLE(value, 1)
  return Buffer.concat([field(1, Buffer.from(name)), field(5, point(attributes, bytes))])
}

function point(attributes: Record<string, string>, value: Buffer): Buffer {
  const pairs = Object.entries(attributes).map(([key, text]) =>
    field(7, field(1, Buffer.from(key)), field(2, field(1, Buffer.from(text)))),
  )
  return field(1, ...pairs, value)
}

function field(number: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  assert.ok(body.length < 2 ** 14)
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body])
}
