// Traces to a server that takes them as Google Cloud Trace does.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { listen } from '../../../test/servers/ports.ts'
import { fieldsOf, type Log, nullLog, systemClock } from '../../base/index.ts'
import { loadConfig, openTracer, parseStream, type Tracer } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'
import { bytesOf } from './rest-client.ts'

const registry = createRegistry()

interface Request {
  readonly line: string
  readonly spans: readonly Readonly<Record<string, unknown>>[]
}

/** A server that answers with `statuses`, then with 200. */
async function cloudTrace(t: TestContext, statuses: number[] = []) {
  const requests: Request[] = []
  const server = createServer((request, response) => {
    void bytesOf(request).then(body => {
      requests.push({ line: `${request.method} ${request.url}`, spans: JSON.parse(body.toString()).spans })
      response.writeHead(statuses.shift() ?? 200).end('{}')
    })
  })
  const endpoint = `http://127.0.0.1:${await listen(server)}`
  t.after(() => server.close())
  return { requests, endpoint }
}

async function tracerOf(endpoint: string, more = '', log: Log = nullLog): Promise<Tracer> {
  const node = await loadConfig(`tracer: { gcp_cloudtrace: { project: p, endpoint: "${endpoint}"${more} } }`, registry)
  const { tracer } = parseStream(node, { registry, host: systemHost })
  return (await openTracer(tracer, { log, clock: systemClock, host: systemHost, version: '1.2.3' }))!
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('spans are written with their parents, attributes and failures', async t => {
  const { requests, endpoint } = await cloudTrace(t)
  const tracer = await tracerOf(endpoint, ', tags: { team: blue }')
  const span = tracer.start('input_generate', { traceparent })
  const child = tracer.start('mapping', span)
  child.fail('no twos')
  child.end()
  span.end()
  await tracer.close()
  assert.deepEqual(
    requests.map(({ line }) => line),
    ['POST /v2/projects/p/traces:batchWrite'],
  )
  const [failed, root] = requests[0]!.spans
  const [, traceId, spanId] = /^00-(\w+)-(\w+)-01$/.exec(span.carrier.traceparent!)!
  assert.equal(traceId, '0af7651916cd43dd8448eb211c80319c')
  assert.equal(root!['name'], `projects/p/traces/${traceId}/spans/${spanId}`)
  assert.equal(root!['parentSpanId'], 'b7ad6b7169203331')
  assert.equal(root!['sameProcessAsParentSpan'], false)
  assert.deepEqual(root!['displayName'], { value: 'input_generate', truncatedByteCount: 0 })
  assert.match(String(root!['startTime']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
  const { attributeMap } = fieldsOf(root!['attributes'])
  assert.deepEqual(fieldsOf(attributeMap)['team'], { stringValue: { value: 'blue', truncatedByteCount: 0 } })
  assert.equal(failed!['parentSpanId'], spanId)
  assert.equal(failed!['sameProcessAsParentSpan'], true)
  assert.deepEqual(failed!['status'], { code: 2, message: 'no twos' })
  const [event] = fieldsOf(failed!['timeEvents'])['timeEvent'] as readonly Record<string, unknown>[] // as written above
  assert.deepEqual(fieldsOf(event!['annotation'])['description'], { value: 'event', truncatedByteCount: 0 })
})

test('the configured fraction of traces is sent, plus every trace whose caller is sampled', async t => {
  const { requests, endpoint } = await cloudTrace(t)
  const tracer = await tracerOf(endpoint, ', sampling_ratio: 0')
  tracer.start('own', undefined).end()
  tracer.start('followed', { traceparent }).end()
  tracer.start('left out', { traceparent: traceparent.replace(/01$/, '00') }).end()
  await tracer.close()
  assert.deepEqual(
    requests.flatMap(({ spans }) => spans.map(({ displayName }) => fieldsOf(displayName)['value'])),
    ['followed'],
  )
})

test('strings that are too long are truncated at character boundaries', async t => {
  const { requests, endpoint } = await cloudTrace(t)
  const tracer = await tracerOf(endpoint)
  const name = `${'x'.repeat(127)}é and more`
  tracer.start(name, undefined).end()
  await tracer.close()
  assert.deepEqual(requests[0]!.spans[0]!['displayName'], { value: 'x'.repeat(127), truncatedByteCount: 11 })
})

test('spans that the API rejects are logged', async t => {
  const { endpoint } = await cloudTrace(t, [403])
  const lines: string[] = []
  const tracer = await tracerOf(endpoint, '', { ...nullLog, warn: text => void lines.push(text) })
  tracer.start('one', undefined).end()
  await tracer.close()
  assert.deepEqual(lines, ['Failed to send spans: BatchWriteSpans: {}'])
})
