// Streams mode over its REST API: many streams in one program, with shared components.
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

test('creating a name in use and reading an unknown name are errors', async t => {
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

test('a configuration with lint errors is refused with each of them, unless the caller forces it', async t => {
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

const generating = 'input: { generate: { mapping: root = 1, interval: 1h } }'

// Recorded from the original.
const answers: readonly (readonly [
  what: string,
  method: string,
  path: string,
  body: string,
  status: number,
  text: string,
])[] = [
  ['no body', 'POST', '/streams/a', '', 400, '{"lint_errors":["(0,1) expected object value, got !!null"]}'],
  ['a list', 'POST', '/streams/a', '[1,2]', 400, '{"lint_errors":["(1,1) expected object value, got !!seq"]}'],
  [
    'a text that is not YAML',
    'POST',
    '/streams/a',
    'a: b: c',
    400,
    'Error: yaml: mapping values are not allowed in this context\n',
  ],
  [
    'an unknown input, which is no finding but the end of reading',
    'POST',
    '/streams/a',
    'input: { nope: {} }\nwhat: 1',
    400,
    'Error: (1,1) unable to infer input type from candidates: [nope]\n',
  ],
  [
    'an unknown input of a caller who insists',
    'POST',
    '/streams/a?chilled=true',
    'input: { nope: {} }',
    400,
    'Error: (1,1) unable to infer input type from candidates: [nope]\n',
  ],
  [
    'a number that is none',
    'POST',
    '/streams/a',
    `${generating}\npipeline: { threads: lots }`,
    400,
    "Error: field 'pipeline': field 'threads': yaml: unmarshal errors:\n  line 2: cannot unmarshal !!str `lots` into int\n",
  ],
  [
    'a number of a component that is none',
    'POST',
    '/streams/a',
    'input: { generate: { mapping: root = 1, count: many } }',
    502,
    "Error: failed to init input <no label> path root.input: field 'count': yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `many` into int\n",
  ],
  [
    'tests',
    'POST',
    '/streams/a',
    `${generating}\ntests: []`,
    400,
    '{"lint_errors":["(2,1) field tests not recognised"]}',
  ],
  ['a method that the set does not have', 'PUT', '/streams', '{}', 400, 'Error: method not supported\n'],
  ['a method that a stream does not have', 'OPTIONS', '/streams/a', '', 400, 'Error: verb not supported: OPTIONS\n'],
  [
    'a set that is a list',
    'POST',
    '/streams',
    '[]',
    400,
    'Error: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]yaml.Node\n',
  ],
  [
    'a set with a stream that is none',
    'POST',
    '/streams',
    'a: 5',
    400,
    '{"lint_errors":["stream \'a\': (1,1) expected object value, got !!int"]}',
  ],
  [
    'a set with a stream that cannot be made',
    'POST',
    '/streams',
    'a: { input: { generate: { mapping: root = 1, interval: soon } } }',
    400,
    'Error: failed to create stream: failed to init input <no label> path root.input: failed to parse interval as duration string: time: invalid duration "soon", or as cron expression: expected 5 to 6 fields, found 1: [soon]\n',
  ],
  [
    'a resource of a kind that is none',
    'POST',
    '/resources/buffer/a',
    'memory: {}',
    400,
    'Var `type` must be set to one of `cache`, `input`, `output`, `processor` or `rate_limit`\n',
  ],
  [
    'an unknown cache',
    'POST',
    '/resources/cache/a',
    'nope: {}',
    400,
    '{"lint_errors":["(1,1) unable to infer component type"]}',
  ],
  ['no cache at all', 'POST', '/resources/cache/a', '', 400, 'Error: (0,1) invalid type !!null, expected object\n'],
  [
    'a resource with a deprecated field',
    'POST',
    '/resources/input/a',
    'file: { paths: [ a ], codec: lines }',
    400,
    '{"lint_errors":["(1,1) field codec is deprecated"]}',
  ],
]

test('requests are refused with the status and text of the original', async t => {
  const program = await start(t)
  for (const [what, method, path, body, status, text] of answers) {
    assert.deepEqual(await program.call(method, path, body), { status, text }, what)
  }
})

test('a configuration is shown with its keys in order, whatever its structure', async t => {
  const program = await start(t)
  await program.call(
    'POST',
    '/streams/a',
    'output: { drop: {} }\ninput: { generate: { mapping: root = 1 > 0, interval: 1h } }',
  )
  const shown = '"config":{"input":{"generate":{"interval":"1h","mapping":"root = 1 \\u003e 0"}},"output":{"drop":{}}}}'
  assert.ok((await program.call('GET', '/streams/a')).text.endsWith(shown))
  await program.call('PATCH', '/streams/a', '')
  assert.ok((await program.call('GET', '/streams/a')).text.endsWith(shown), 'a patch without a body changes nothing')
})

test('an update that cannot start leaves the stream unchanged', async t => {
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

test('environment variables are substituted, and missing ones refused', async t => {
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

test('replacing the whole set stops missing streams and starts new ones', async t => {
  const program = await start(t)
  await program.call('POST', '/streams/a', ticking)
  await program.call('POST', '/streams/b', ticking)
  const refused = await program.call('POST', '/streams', { b: taking, c: { input: { nothing: {} } } })
  assert.equal(refused.text, 'Error: (1,1) unable to infer input type from candidates: [nothing]\n')
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
