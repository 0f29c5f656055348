import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import process from 'node:process'
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { nullLog, systemClock } from '../../base/index.ts'
import { loadConfig, makeLog, MetricsService, parseStream, severityOf } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'
import { AwsFixture } from './fixture.suite.ts'

const address = process.env['PENSTOCK_TEST_AWS']

if (address === undefined) test('CloudWatch', { skip: 'needs a server: npm run test:connectors -- aws' })
else testCloudWatch(new AwsFixture(address))

function testCloudWatch(aws: AwsFixture): void {
  const client = new CloudWatchClient(aws.clientOptions())
  after(() => client.destroy())

  const open = async (config: object, log = nullLog): Promise<MetricsService> => {
    const registry = createRegistry()
    const fields = JSON.stringify(config).slice(1)
    const text = `metrics: { aws_cloudwatch: {${fields} }`
    const node = await loadConfig(text, registry)
    const { metrics } = parseStream(node, { registry, host: systemHost })
    return await MetricsService.open(metrics, { log, clock: systemClock, host: systemHost, processFigures: undefined })
  }

  const total = async (namespace: string, name: string, statistic: 'Sum' | 'Maximum' | 'SampleCount') => {
    const { Datapoints: points = [] } = await client.send(
      new GetMetricStatisticsCommand({
        Namespace: namespace,
        MetricName: name,
        Dimensions: [{ Name: 'path', Value: 'root.input' }],
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 60_000),
        Period: 7200,
        Statistics: [statistic],
      }),
    )
    return points.map(point => ({ value: point[statistic], unit: point.Unit }))
  }

  test('counters are sent as increments, gauges as values, labels as dimensions', async () => {
    const namespace = aws.newId()
    const service = await open({ namespace, flush_period: '10ms', ...aws.session() })
    const own = service.metrics.with({ label: '', path: 'root.input' })
    own.counter('input_received').add(3)
    await systemClock.sleep(50)
    own.counter('input_received').add(4)
    own.gauge('buffer_active').set(5)
    await service.close()
    assert.deepEqual(await total(namespace, 'input_received', 'Sum'), [{ value: 7, unit: 'Count' }])
    assert.equal((await total(namespace, 'buffer_active', 'Maximum'))[0]?.value, 5)
    const { Metrics: metrics = [] } = await client.send(new ListMetricsCommand({ Namespace: namespace }))
    for (const { Dimensions: dimensions } of metrics)
      assert.deepEqual(dimensions, [{ Name: 'path', Value: 'root.input' }])
  })

  test('many series are split over several requests, each sent once', async () => {
    const namespace = aws.newId()
    const service = await open({ namespace, ...aws.session() })
    for (let index = 0; index < 45; index++) {
      service.metrics.counter(`series_${index}`, { path: 'root.input' }).add(1)
    }
    await service.close()
    for (const index of [0, 19, 20, 44]) {
      assert.deepEqual(await total(namespace, `series_${index}`, 'Sum'), [{ value: 1, unit: 'Count' }])
    }
  })

  test('timings are values in microseconds with their counts', async () => {
    const namespace = aws.newId()
    const service = await open({ namespace, ...aws.session() })
    const timer = service.metrics.timer('input_latency_ns', { path: 'root.input' })
    for (const ns of [1000, 1999, 5_000_000]) timer.observe(ns)
    await service.close()
    assert.deepEqual(await total(namespace, 'input_latency_ns', 'SampleCount'), [{ value: 3, unit: 'Microseconds' }])
    assert.deepEqual(await total(namespace, 'input_latency_ns', 'Maximum'), [{ value: 5000, unit: 'Microseconds' }])
  })

  test('an unreachable service is reported, and the stream continues', async () => {
    const lines: string[] = []
    const log = makeLog(severityOf('ALL'), {}, (_, message) => void lines.push(message))
    const service = await open({ ...aws.session(1), flush_period: '1h' }, log)
    service.metrics.counter('x').add(1)
    await service.close()
    assert.match(lines.join('\n'), /connection refused/)
  })
}
