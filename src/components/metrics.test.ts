// The metrics exporters, each against a real server of its protocol that the test runs.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { makeLog, MetricsService, parseContext, parseComponent, parseYaml } from '../engine/index.ts'
import { type LogFields, nullLog, systemClock } from '../base/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'
import { portOf } from '../../test/servers/ports.ts'

const processFigures = () => ({
  cpuSeconds: 1.5,
  residentBytes: 1000,
  virtualBytes: 2000,
  startedAtSeconds: 1_700_000_000,
  openFiles: 12,
})

async function open(yaml: string, log = nullLog): Promise<MetricsService> {
  const registry = createRegistry()
  await registry.loadAll()
  const config = parseComponent(parseContext({ registry, host: systemHost }), 'metrics', parseYaml(yaml), 'metrics')
  return await MetricsService.open(config, { log, clock: systemClock, host: systemHost, processFigures })
}

/** Counts like a small stream. */
function count({ metrics }: MetricsService): void {
  const input = metrics.with({ label: 'in', path: 'root.input' })
  input.counter('input_received').add(3)
  input.gauge('level').set(7)
  for (const durationNs of [1000, 2000, 30_000_000]) input.timer('input_latency_ns').observe(durationNs)
}

test('Prometheus reads counters, gauges and summaries in nanoseconds', async () => {
  const service = await open('prometheus: {}')
  count(service)
  const { type, text } = service.page!()
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(
    text,
    `# HELP input_latency_ns Bento Timing metric
# TYPE input_latency_ns summary
input_latency_ns{label="in",path="root.input",quantile="0.5"} 2000
input_latency_ns{label="in",path="root.input",quantile="0.9"} 30000000
input_latency_ns{label="in",path="root.input",quantile="0.99"} 30000000
input_latency_ns_sum{label="in",path="root.input"} 30003000
input_latency_ns_count{label="in",path="root.input"} 3
# HELP input_received Bento Counter metric
# TYPE input_received counter
input_received{label="in",path="root.input"} 3
# HELP level Bento Gauge metric
# TYPE level gauge
level{label="in",path="root.input"} 7
`,
  )
  await service.close()
})

test('timings are histograms in seconds where the configuration asks for them', async () => {
  const service = await open('prometheus: { use_histogram_timing: true, histogram_buckets: [ 0.0000015, 0.001 ] }')
  count(service)
  const lines = service.page!().text.split('\n')
  assert.deepEqual(lines.slice(1, 7), [
    '# TYPE input_latency_ns histogram',
    'input_latency_ns_bucket{label="in",path="root.input",le="0.0000015"} 1',
    'input_latency_ns_bucket{label="in",path="root.input",le="0.001"} 2',
    'input_latency_ns_bucket{label="in",path="root.input",le="+Inf"} 3',
    'input_latency_ns_sum{label="in",path="root.input"} 0.030003',
    'input_latency_ns_count{label="in",path="root.input"} 3',
  ])
  await service.close()
})

test('a duration that several messages share counts once for each', async () => {
  const service = await open('prometheus: { use_histogram_timing: true, histogram_buckets: [ 1 ] }')
  service.metrics.timer('t').observe(2e9, 3)
  service.metrics.timer('t').observe(1e9, 600)
  assert.match(service.page!().text, /^t_bucket{le="1"} 600\nt_bucket{le="\+Inf"} 603\nt_sum 606\nt_count 603$/m)
  await service.close()
})

test('a mapping renames, relabels and drops series from any source', async () => {
  const service = await open(`
mapping: |
  root = if this == "level" { deleted() } else { "acme." + this }
  meta team = "blue"
  meta path = deleted()
prometheus: {}
`)
  count(service)
  const text = service.page!().text
  assert.match(text, /^acme_input_received\{label="in",team="blue"\} 3$/m)
  assert.doesNotMatch(text, /level/)
  await service.close()
})

test('a mapping that fails leaves the series as it was and logs why', async () => {
  const lines: string[] = []
  const service = await open(
    `mapping: 'root = this.number()'\nprometheus: {}`,
    makeLog(6, {}, (_level, message) => void lines.push(message)),
  )
  count(service)
  assert.match(service.page!().text, /^input_received\{label="in",path="root.input"\} 3$/m)
  assert.match(lines[0]!, /Failed to apply path mapping on 'input_received'/)
  await service.close()
})

test('figures of the process are exported where the configuration asks for them', async () => {
  const service = await open('prometheus: { add_process_metrics: true }')
  assert.match(service.page!().text, /^# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5$/m)
  await service.close()
})

interface Received {
  readonly request: IncomingMessage
  readonly body: string
}

/** An HTTP server that stores what it receives. */
async function receiver(t: TestContext, status: number): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = []
  const receive = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray()).toString('utf8')
    received.push({ request, body })
    response.writeHead(status).end('an answer')
  }
  const server = createServer((request, response) => void receive(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${portOf(server)}`, received }
}

test('metrics are pushed to a gateway and written to a file at the end', async t => {
  const { url, received } = await receiver(t, 202)
  const folder = mkdtempSync(join(tmpdir(), 'penstock-metrics-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'metrics.prom')
  const service = await open(
    `prometheus: { push_url: ${url}, push_job_name: nightly, push_basic_auth: { username: u, password: p }, file_output_path: ${file} }`,
  )
  count(service)
  await service.close()
  const [push] = received
  assert.equal(`${push!.request.method} ${push!.request.url}`, 'PUT /metrics/job/nightly')
  assert.equal(push!.request.headers.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`)
  assert.match(push!.body, /^input_received\{label="in",path="root.input"\} 3$/m)
  assert.equal(readFileSync(file, 'utf8'), push!.body)
})

test('a gateway that refuses a push is logged, and the program ends', async t => {
  const { url } = await receiver(t, 500)
  const lines: string[] = []
  const service = await open(
    `prometheus: { push_url: ${url} }`,
    makeLog(6, {}, (_level, message) => void lines.push(message)),
  )
  await service.close()
  assert.deepEqual(lines, [`Failed to send metrics: the push gateway at ${url} answered with status 500`])
})

test('json_api serves series with their labels, and timings as quantiles', async () => {
  const service = await open('json_api: {}')
  count(service)
  const { type, text } = service.page!()
  assert.equal(type, 'application/json')
  assert.deepEqual(JSON.parse(text), {
    'input_latency_ns{label="in",path="root.input"}': { p50: 2000, p90: 30_000_000, p99: 30_000_000 },
    'input_received{label="in",path="root.input"}': 3,
    'level{label="in",path="root.input"}': 7,
  })
  await service.close()
})

test('logger writes every series at the end', async () => {
  const lines: [string, LogFields][] = []
  const service = await open(
    'logger: {}',
    makeLog(6, {}, (_level, message, fields) => void lines.push([message, fields])),
  )
  count(service)
  assert.equal(service.page, undefined)
  await service.close()
  const labels = { label: 'in', path: 'root.input' }
  assert.deepEqual(lines, [
    ['Counter metric', { ...labels, name: 'input_received', value: 3 }],
    ['Counter metric', { ...labels, name: 'level', value: 7 }],
    ['Timing metric', { ...labels, name: 'input_latency_ns', p50: 2000, p90: 30_000_000, p99: 30_000_000 }],
  ])
})

test('logger with flush_metrics resets the counters after each flush', async () => {
  const counts: unknown[] = []
  const seen = Promise.withResolvers<void>()
  const log = makeLog(6, {}, (_level, _message, { value }) => {
    counts.push(value)
    seen.resolve()
  })
  const service = await open('logger: { push_interval: 1ms, flush_metrics: true }', log)
  const counter = service.metrics.counter('things')
  counter.add(5)
  await seen.promise
  counter.add(2)
  await service.close()
  assert.equal(
    counts.reduce<number>((sum, value) => sum + Number(value), 0),
    7,
  )
})

for (const [format, expected] of [
  ['none', ['input_latency_ns:1000|ms', 'input_received:3|c', 'level:7|g']],
  [
    'datadog',
    [
      'input_latency_ns:1000|ms|#label:in,path:root.input',
      'input_received:3|c|#label:in,path:root.input',
      'level:7|g|#label:in,path:root.input',
    ],
  ],
  [
    'influxdb',
    [
      'input_latency_ns,label=in,path=root.input:1000|ms',
      'input_received,label=in,path=root.input:3|c',
      'level,label=in,path=root.input:7|g',
    ],
  ],
] as const) {
  test(`statsd receives changes, with tags in the format ${format}`, async t => {
    const socket = createSocket('udp4')
    t.after(() => socket.close())
    const datagram = new Promise<string>(resolve => socket.once('message', data => resolve(data.toString('utf8'))))
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
    const service = await open(
      `statsd: { address: '127.0.0.1:${socket.address().port}', tag_format: ${format}, flush_period: 1h }`,
    )
    count(service)
    await service.close()
    const lines = (await datagram).split('\n')
    for (const line of expected) assert.ok(lines.includes(line), line)
    assert.equal(lines.length, 5)
  })
}

test('influxdb receives points in its line protocol', async t => {
  const { url, received } = await receiver(t, 204)
  const service = await open(
    `influxdb: { url: ${url}, db: metrics, username: u, password: p, precision: ms, tags: { host: 'a b' } }`,
  )
  count(service)
  await service.close()
  const { request, body } = received[0]!
  assert.equal(`${request.method} ${request.url}`, 'POST /write?db=metrics&precision=ms')
  const lines = body.trimEnd().split('\n')
  assert.match(lines[0]!, /^input_received,host=a\\ b,label=in,path=root\.input count=3i \d{13}$/)
  assert.match(lines[1]!, /^level,host=a\\ b,label=in,path=root\.input value=7i \d{13}$/)
  assert.match(lines[2]!, /^input_latency_ns.* count=3i,min=1000i,max=30000000i,mean=10001000,stddev=[\d.]+,p50=2000,/)
})

test('none exposes no metrics', async () => {
  const service = await open('none: {}')
  count(service)
  assert.equal(service.page, undefined)
  await service.close()
})
