// Streams mode over its REST API: many streams in one program, with the components that they use.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { nullLog, systemClock } from '../base/index.ts'
import {
  answerAllReady,
  MetricsStore,
  parseStream,
  parseYaml,
  SharedResources,
  StreamServer,
  StreamSet,
  streamsApi,
} from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

interface Reply {
  readonly status: number
  readonly text: string
}

class Program {
  readonly #url: string
  readonly metrics: MetricsStore

  constructor(url: string, metrics: MetricsStore) {
    this.#url = url
    this.metrics = metrics
  }

  async call(method: string, path: string, body?: unknown): Promise<Reply> {
    const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(this.#url + path, { method, ...(sent === undefined ? {} : { body: sent }) })
    return { status: response.status, text: await response.text() }
  }

  async read(path: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.call('GET', path)).text)
  }
}

async function start(t: TestContext, service = ''): Promise<Program> {
  const registry = createRegistry()
  await registry.loadAll()
  const node = parseYaml(`http: { address: '127.0.0.1:0' }\n${service}`)
  const { http } = parseStream(node, { registry, host: systemHost })
  const metrics = new MetricsStore()
  const server = new StreamServer({
    config: http,
    version: '1',
    dateBuilt: '',
    page: undefined,
    ready: response => answerAllReady(response, set.unready),
    configText: () => '',
  })
  const common = {
    registry,
    host: systemHost,
    clock: systemClock,
    log: nullLog,
    metrics: metrics.metrics,
    http: server,
  }
  const resources = await SharedResources.open(node, common)
  const set = new StreamSet({ ...common, resources, service: node, prefixEndpoints: true, stopTimeoutMs: 20_000 })
  for (const endpoint of streamsApi(set, { log: nullLog, env: name => (name === 'WHO' ? 'world' : undefined) }))
    server.register(endpoint)
  const port = await server.listen()
  t.after(async () => {
    await set.close(20_000)
    await resources.close()
    await server.close()
  })
  return new Program(`http://127.0.0.1:${port}`, metrics)
}

const ticking = { input: { generate: { mapping: 'root = 1', interval: '1h' } }, output: { drop: {} } }
const taking = { input: { http_server: { path: '/in' } }, output: { drop: {} } }

test('a stream is created, read, replaced, changed and deleted', async t => {
  const program = await start(t)
  assert.deepEqual(await program.call('POST', '/streams/a', ticking), { status: 200, text: '' })
  assert.deepEqual((await program.read('/streams/a'))['config'], ticking)
  assert.equal((await program.call('PUT', '/streams/a', taking)).status, 200)
  assert.deepEqual((await program.read('/streams/a'))['config'], taking)
  assert.equal((await program.call('PATCH', '/streams/a', { input: { http_server: { timeout: '1s' } } })).status, 200)
  assert.deepEqual((await program.read('/streams/a'))['config'], {
    ...taking,
    input: { http_server: { path: '/in', timeout: '1s' } },
  })
  assert.equal((await program.call('DELETE', '/streams/a')).status, 200)
  assert.deepEqual(await program.read('/streams'), {})
})

test('a name that is taken and one that nothing has are errors', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/a', ticking)
  assert.deepEqual(await program.call('POST', '/streams/a', ticking), {
    status: 400,
    text: 'Stream already exists\n',
  })
  for (const [method, path] of [
    ['GET', '/streams/b'],
    ['GET', '/streams/b/stats'],
    ['DELETE', '/streams/b'],
    ['PUT', '/streams/b'],
    ['PATCH', '/streams/b'],
  ] as const) {
    const body = method === 'PUT' || method === 'PATCH' ? ticking : undefined
    assert.deepEqual(await program.call(method, path, body), { status: 404, text: 'Stream not found\n' }, method)
  }
})

test('a configuration with findings is refused with each of them, and run where the caller insists', async t => {
  const program = await start(t)
  const odd = { ...ticking, output: { drop: {}, huh: 1 } }
  const { status, text } = await program.call('POST', '/streams/a', odd)
  assert.equal(status, 400)
  assert.deepEqual(JSON.parse(text), {
    lint_errors: ['(1,1) field huh is invalid when the component type is drop (output)'],
  })
  assert.equal((await program.call('POST', '/streams/a?chilled=true', odd)).status, 200)
  assert.equal((await program.call('POST', '/streams/b', '{"input":')).status, 400)
  assert.equal((await program.call('POST', '/streams/b', '"text"')).status, 400)
  const resources = await program.call('POST', '/streams/b', { ...ticking, cache_resources: [] })
  assert.match(resources.text, /field cache_resources not recognised/)
})

test('an update that cannot start leaves the stream as it was', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/a', taking)
  const broken = { output: { drop: null, resource: 'nothing' } }
  const attempts = [
    await program.call('PATCH', '/streams/a', broken),
    await program.call('PUT', '/streams/a', { ...ticking, output: { resource: 'nothing' } }),
  ]
  for (const { status } of attempts) assert.ok(status >= 400)
  assert.deepEqual((await program.read('/streams/a'))['config'], taking)
  assert.equal((await program.call('POST', '/a/in', 'still here')).status, 200)
})

test('environment variables are put in place, and missing ones refused', async t => {
  const program = await start(t)
  const greeting = (name: string) => ({ ...ticking, input: { generate: { mapping: `root = "\${${name}}"` } } })
  assert.equal((await program.call('POST', '/streams/a', greeting('WHO'))).status, 200)
  assert.deepEqual((await program.read('/streams/a'))['config'], {
    ...ticking,
    input: { generate: { mapping: 'root = "world"' } },
  })
  assert.match((await program.call('POST', '/streams/b', greeting('WHERE'))).text, /were not set: \[WHERE\]/)
})

test('endpoints, readiness and metrics of a stream are found below its name', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/a', taking)
  assert.equal((await program.call('POST', '/a/in', 'x')).status, 200)
  assert.equal((await program.call('POST', '/in', 'x')).status, 404)
  assert.deepEqual(await program.call('GET', '/a/ready'), { status: 200, text: 'OK' })
  assert.deepEqual(await program.call('GET', '/ready'), { status: 200, text: 'OK' })
  const stats = await program.read('/streams/a/stats')
  assert.equal(stats['output_sent{label="",path="root.output",stream="a"}'], 1)
  const sent = program.metrics.samples().find(({ name }) => name === 'output_sent')
  assert.deepEqual([sent?.labels['stream'], sent?.value], ['a', 1])
  await program.call('DELETE', '/streams/a')
  assert.equal((await program.call('POST', '/a/in', 'x')).status, 404)
})

test('the whole set is replaced: what is missing stops, what is new starts', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/a', ticking)
  await program.call('POST', '/streams/b', ticking)
  const refused = await program.call('POST', '/streams', { b: taking, c: { input: { nothing: {} } } })
  assert.deepEqual(JSON.parse(refused.text), {
    lint_errors: ["stream 'c': (1,1) unable to infer input type from candidates: [nothing]"],
  })
  assert.deepEqual(Object.keys(await program.read('/streams')), ['a', 'b'])
  assert.equal((await program.call('POST', '/streams', { b: taking, c: ticking })).status, 200)
  assert.deepEqual(Object.keys(await program.read('/streams')), ['b', 'c'])
  assert.deepEqual((await program.read('/streams/b'))['config'], taking)
})

test('streams share resources, which can be added and replaced while they run', async t => {
  const program = await start(t, 'cache_resources: [ { label: first, memory: {} } ]\n')
  const asking = (resource: string) => ({
    input: { http_server: { path: '/in' } },
    pipeline: {
      processors: [
        { cache: { resource, operator: 'add', key: '${! content() }', value: 'x' } },
        { mapping: 'root = if errored() { "known" } else { "new" }' },
      ],
    },
    output: { sync_response: {} },
  })
  await program.call('POST', '/streams/a', asking('first'))
  await program.call('POST', '/streams/b', asking('first'))
  const answers = async (...paths: string[]) => {
    const texts: string[] = []
    for (const path of paths) texts.push((await program.call('POST', path, 'key')).text)
    return texts
  }
  assert.deepEqual(await answers('/a/in', '/b/in'), ['new', 'known'], 'one cache')
  assert.equal((await program.call('POST', '/resources/cache/first', { memory: {} })).status, 200)
  assert.deepEqual(await answers('/b/in', '/a/in'), ['new', 'known'], 'an empty one in its place')
  assert.match((await program.call('POST', '/streams/c', asking('second'))).text, /'second' was not found/)
  await program.call('POST', '/resources/cache/second', { memory: {} })
  assert.equal((await program.call('POST', '/streams/c', asking('second'))).status, 200)
  assert.match((await program.call('POST', '/resources/cache/third', { memory: { huh: 1 } })).text, /field huh/)
  assert.equal((await program.call('POST', '/resources/buffer/third', {})).status, 400)
})

test('streams are connected by pipes of the program', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/from', { ...taking, output: { inproc: 'pipe' } })
  await program.call('POST', '/streams/to', { input: { inproc: 'pipe' }, output: { drop: {} } })
  assert.equal((await program.call('POST', '/from/in', 'x')).status, 200)
  const stats = await program.read('/streams/to/stats')
  assert.equal(stats['output_sent{label="",path="root.output",stream="to"}'], 1)
})

test('a stream that ended is listed as inactive, and the program is ready', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/a', {
    input: { generate: { mapping: 'root = 1', count: 1, interval: '' } },
    output: { drop: {} },
  })
  while ((await program.read('/streams/a'))['active'] === true) await new Promise(resolve => setTimeout(resolve, 10))
  assert.equal((await program.call('GET', '/ready')).status, 200)
  assert.deepEqual(await program.call('GET', '/a/ready'), { status: 404, text: 'Stream terminated\n' })
})
