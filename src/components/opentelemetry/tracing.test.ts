// Traces against receivers that decode every byte, and against the engine itself.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import { createServer as createSocketServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import {
  type AnySpec,
  defineInput,
  defineOutput,
  deliverEach,
  field,
  loadConfig,
  makeLog,
  Message,
  openTracer,
  parseStream,
  severityOf,
  startStream,
  type Tracer,
} from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { type Collecting, startCollecting } from '../collecting.suite.ts'
import { createRegistry } from '../index.ts'
import { decodeTraces, type ReceivedSpan } from './otlp-decode.suite.ts'
import { parseTraceparent } from './tracing.ts'
import { portOf } from '../../../test/servers/ports.ts'

const registry = createRegistry()

async function makeTracer(config: string, log = nullLog): Promise<Tracer | null> {
  const node = await loadConfig(`tracer: ${config}`, registry)
  const { tracer } = parseStream(node, { registry, host: systemHost })
  return await openTracer(tracer, { log, clock: systemClock, host: systemHost, version: '1.2.3' })
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray())
}

/** A collector that accepts OTLP over HTTP. Its first responses have the given `statuses`. */
async function listen(t: TestContext, statuses: number[] = []) {
  const spans: ReceivedSpan[] = []
  const requests: string[] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      requests.push(`${request.method} ${request.url} ${request.headers['content-type']}`)
      const status = statuses.shift() ?? 200
      if (status === 200) spans.push(...decodeTraces(body))
      response.writeHead(status).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  return {
    spans,
    requests,
    port,
    config: (more = '') =>
      `{ open_telemetry_collector: { http: [ { address: "127.0.0.1:${port}" } ], grpc: [] ${more} } }`,
  }
}

/** Runs a stream to its end, and sends its spans. */
async function run(t: TestContext, config: string, tracer: Tracer | null): Promise<Collecting> {
  const collecting = await startCollecting(t, config, { tracer })
  await collecting.stream.done
  await tracer?.close()
  return collecting
}

const two = "input: { generate: { mapping: 'root.n = counter()', count: 2, interval: '' } }"

test('each message has a span in its input, and below it one in each processor and output', async t => {
  const collector = await listen(t)
  const tracer = await makeTracer(collector.config(', tags: { team: blue }'))
  await run(t, `${two}\npipeline: { processors: [ { mapping: root = this }, { sleep: { duration: 1ms } } ] }`, tracer)
  const { spans } = collector
  assert.deepEqual(new Set(collector.requests), new Set(['POST /v1/traces application/x-protobuf']))
  const roots = spans.filter(({ parentId }) => parentId === '')
  assert.deepEqual(
    roots.map(({ name }) => name),
    ['input_generate', 'input_generate'],
  )
  for (const root of roots) {
    const below = spans.filter(({ parentId }) => parentId === root.spanId)
    assert.deepEqual(below.map(({ name }) => name).toSorted(), ['mapping', 'output_collect', 'sleep'])
    for (const span of below) assert.equal(span.traceId, root.traceId)
  }
  assert.notEqual(roots[0]!.traceId, roots[1]!.traceId)
  assert.equal(spans.length, 8)
  assert.deepEqual(spans[0]!.resource, { 'service.name': 'bento', 'service.version': '1.2.3', team: 'blue' })
})

test('a failed span is marked with the reason', async t => {
  const collector = await listen(t)
  const tracer = await makeTracer(collector.config(", tags: { 'service.name': mine }"))
  const failing = `root = if this.n == 2 { throw("no twos") }`
  await run(
    t,
    `${two}\npipeline: { processors: [ { mapping: '${failing}' } ] }\noutput: { reject_errored: { drop: {} } }`.replace(
      "interval: ''",
      "interval: '', auto_replay_nacks: false",
    ),
    tracer,
  )
  const failed = collector.spans.filter(({ status }) => status.code === 2)
  assert.deepEqual(failed.map(({ name }) => name).toSorted(), ['input_generate', 'mapping'])
  assert.ok(failed.every(({ status }) => status.message.includes('no twos')))
  assert.ok(failed.every(({ attributes }) => attributes['error'] === 'true'))
  assert.deepEqual(collector.spans[0]!.resource, { 'service.name': 'mine' })
})

test('messages in batches of one have separate spans in outputs that accept many at once', async t => {
  const collector = await listen(t)
  const tracer = await makeTracer(collector.config())
  const port = await new Promise<number>(resolve => {
    const sink = createSocketServer(socket => socket.resume())
    sink.listen(0, '127.0.0.1', () => resolve(portOf(sink)))
    t.after(() => sink.close())
  })
  await run(t, `${two}\noutput: { socket: { network: tcp, address: "127.0.0.1:${port}" } }`, tracer)
  assert.equal(collector.spans.filter(({ name }) => name === 'output_socket').length, 2)
})

test('a trace continues from a request to http_server, through mappings, to the requests of http_client', async t => {
  const collector = await listen(t)
  const tracer = await makeTracer(collector.config())
  const received: (string | string[] | undefined)[] = []
  const target = createServer((request, response) => {
    received.push(request.headers['traceparent'])
    request.resume().on('end', () => response.end())
  })
  await new Promise<void>(resolve => target.listen(0, '127.0.0.1', resolve))
  t.after(() => target.close())
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const port = portOf(probe)
  await new Promise(resolve => probe.close(resolve))
  const collecting = await startCollecting(
    t,
    `input: { http_server: { address: "127.0.0.1:${port}" } }
pipeline: { processors: [ { mapping: 'root = tracing_span().traceparent + " " + tracing_id()' }, { log: { message: '\${! content() }' } } ] }
output: { http_client: { url: "http://127.0.0.1:${portOf(target)}", retries: 0 } }`,
    { tracer },
  )
  await collecting.until(({ log }) => log.some(line => line.includes('Receiving HTTP messages')))
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
  const response = await fetch(`http://127.0.0.1:${port}/post`, { method: 'POST', body: 'x', headers: { traceparent } })
  assert.equal(response.status, 200)
  await collecting.stream.stop()
  await tracer!.close()
  const input = collector.spans.find(({ name }) => name === 'input_http_server_post')!
  assert.deepEqual([input.traceId, input.parentId], [traceId, '00f067aa0ba902b7'])
  const output = collector.spans.find(({ name }) => name === 'output_http_client')!
  assert.deepEqual(received, [`00-${traceId}-${output.spanId}-01`])
  const logged = collecting.log.find(line => line.includes(traceId))
  assert.equal(logged, `info: 00-${traceId}-${input.spanId}-01 ${traceId}`)
})

test('an invalid traceparent starts a new trace', () => {
  const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  assert.equal(parseTraceparent(valid)?.traceFlags, 1)
  assert.equal(parseTraceparent(valid.replace('00-', 'cc-').concat('-later'))?.spanId, '00f067aa0ba902b7')
  for (const text of ['', 'x', `${valid}-more`, valid.replace('00-', 'ff-'), valid.replace('4bf9', '4BF9')]) {
    assert.equal(parseTraceparent(text), undefined, text)
  }
  assert.equal(parseTraceparent(`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`), undefined)
})

test('sampling keeps the configured fraction of traces, and none without a ratio', async t => {
  const [none, all] = [await listen(t), await listen(t)]
  await run(t, two, await makeTracer(none.config(', sampling: { enabled: true }')))
  await run(t, two, await makeTracer(all.config(', sampling: { enabled: true, ratio: 1 }')))
  assert.deepEqual([none.spans.length, all.spans.length], [0, 4])
})

test('a request to a busy collector is retried, and a refusal is reported', async t => {
  const busy = await listen(t, [503])
  await run(t, two, await makeTracer(busy.config()))
  assert.equal(busy.spans.length, 4)
  const refusing = await listen(t, [400])
  const log: string[] = []
  await run(
    t,
    two,
    await makeTracer(
      refusing.config(),
      makeLog(severityOf('ALL'), {}, (_, text) => void log.push(text)),
    ),
  )
  assert.match(log.join('\n'), /Failed to send spans: .*\/v1\/traces answered 400/)
})

test('spans are sent by gRPC', async t => {
  const spans: ReceivedSpan[] = []
  const server = createHttp2Server()
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const pieces: Buffer[] = []
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    stream.on('end', () => {
      assert.equal(headers[':path'], '/opentelemetry.proto.collector.trace.v1.TraceService/Export')
      const frame = Buffer.concat(pieces)
      assert.deepEqual([frame[0], frame.readUInt32BE(1)], [0, frame.length - 5])
      spans.push(...decodeTraces(frame.subarray(5)))
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      stream.end(Buffer.alloc(5))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const port = portOf(server)
  const config = `{ open_telemetry_collector: { http: [], grpc: [ { address: "127.0.0.1:${port}" } ] } }`
  await run(t, two, await makeTracer(config))
  assert.equal(spans.length, 4)
})

test('spans are sent to Jaeger, as datagrams to an agent or by HTTP to a collector', async t => {
  const socket = createSocket('udp4')
  const datagrams: string[] = []
  socket.on('message', piece => datagrams.push(piece.toString('latin1')))
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  await run(t, two, await makeTracer(`{ jaeger: { agent_address: "127.0.0.1:${socket.address().port}" } }`))
  while (!datagrams.join('').includes('input_generate')) await systemClock.sleep(5)
  assert.match(datagrams[0]!, /emitBatch/)

  const requests: [string, string][] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      requests.push([`${request.url} ${request.headers['content-type']}`, body.toString('latin1')])
      response.end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  await run(t, two, await makeTracer(`{ jaeger: { collector_url: "http://127.0.0.1:${port}/api/traces" } }`))
  assert.match(requests[0]![0], /^\/api\/traces\S* application\/x-thrift$/)
  assert.match(requests.map(([, body]) => body).join(''), /input_generate[^]*service\.version/)
})

test('an input extracts the trace of a message by a mapping, and an output injects it by another', async t => {
  const collector = await listen(t)
  const tracer = await makeTracer(collector.config())
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const source = defineInput({
    name: 'source',
    summary: 'Gives one message.',
    config: field.object({ extract_tracing_map: field.mapping('').optional() }),
    create() {
      const messages = [Message.fromText('x', new Map([['TraceParent', traceparent]]))]
      return { read: () => (messages.length === 0 ? null : deliverEach(messages.splice(0))) }
    },
  })
  const sent: Message[] = []
  const target = defineOutput({
    name: 'target',
    summary: 'Keeps messages, and refuses some.',
    config: field.object({ inject_tracing_map: field.mapping('').optional() }),
    create: () => ({ write: batch => void sent.push(...batch) }),
  })
  const stream = await startStream(
    'input: { source: { extract_tracing_map: root = @ } }\noutput: { target: { inject_tracing_map: meta = @.merge(this) } }',
    {
      // The types of their fields do not matter here.
      registry: createRegistry().extended([source, target] as unknown as AnySpec[]),
      host: systemHost,
      clock: systemClock,
      log: nullLog,
      tracer,
    },
  )
  await stream.done
  await tracer!.close()
  const output = collector.spans.find(({ name }) => name === 'output_target')!
  assert.equal(output.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.equal(sent[0]!.metadata.get('traceparent'), `00-${output.traceId}-${output.spanId}-01`)
  assert.equal(sent[0]!.text(), 'x')
})

test('without a tracer messages have no trace', async t => {
  assert.equal(await makeTracer('{ none: {} }'), null)
  const collecting = await run(t, `${two}\npipeline: { processors: [ { mapping: root = tracing_id() } ] }`, null)
  assert.deepEqual(collecting.texts, ['0'.repeat(32), '0'.repeat(32)])
})
