// Inputs and outputs that are added and removed over HTTP, through the stream's own server and over the wire.
import assert from 'node:assert/strict'
import { type FileHandle, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { type ComponentHost, HttpRouter, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'
import { portOf } from '../../../test/servers/ports.ts'
import { until } from '../../base/until.suite.ts'

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-dynamic-'))
})
after(() => rm(folder, { recursive: true }))

type Call = (method: string, path: string, body?: string) => Promise<{ status: number; text: string }>

/** Starts a stream with an HTTP server; both are stopped at the end of the test. */
async function serve(t: TestContext, config: string, host: ComponentHost = systemHost): Promise<Call> {
  const router = new HttpRouter()
  const server = createServer((request, response) => {
    if (!router.handle(request, response)) response.writeHead(404).end('no such endpoint')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const port = portOf(server)
  const options = { registry: createRegistry(), host, http: router, clock: systemClock, log: nullLog }
  const stream = await startStream(config, options)
  t.after(async () => {
    await stream.stop(500)
    server.closeAllConnections()
    server.close()
  })
  return async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body === undefined ? {} : { body }) })
    return { status: response.status, text: await response.text() }
  }
}

const linesOf = (path: string): Promise<readonly string[]> =>
  readFile(path, 'utf8').then(
    text => text.split('\n').slice(0, -1),
    () => [],
  )

const generate = (text: string, count = 0) =>
  `generate:\n  mapping: root = "${text}"\n  interval: 1ms\n  count: ${count}\n`

test('inputs are added, shown, replaced and removed', async t => {
  const path = join(folder, 'inputs.txt')
  const call = await serve(t, `input: { dynamic: {} }\noutput: { file: { path: ${path} } }`)
  assert.deepEqual(await call('GET', '/inputs'), { status: 200, text: '{}' })
  assert.deepEqual(await call('GET', '/inputs/a'), { status: 404, text: "Dynamic component 'a' is not active\n" })
  assert.deepEqual(await call('GET', '/inputs/a/uptime'), { status: 404, text: "Dynamic component 'a' is unknown\n" })

  assert.deepEqual(await call('POST', '/inputs/a', generate('one')), { status: 200, text: '' })
  await until(async () => (await linesOf(path)).includes('one'))
  const shown = await call('GET', '/inputs/a')
  assert.equal(shown.text, 'label: ""\ngenerate:\n  mapping: root = "one"\n  interval: 1ms\n  count: 0\n')
  assert.match((await call('GET', '/inputs/a/uptime')).text, /^[\d.]+(ms|s)$/)
  const list = JSON.parse((await call('GET', '/inputs')).text)
  assert.deepEqual(list['a']!['config'], {
    label: '',
    generate: { mapping: 'root = "one"', interval: '1ms', count: 0 },
  })
  assert.equal(list['a']!['config_raw'], shown.text)

  assert.equal((await call('POST', '/inputs/a', generate('two'))).status, 200)
  const before = (await linesOf(path)).length
  await until(async () => (await linesOf(path)).length > before + 5)
  const since = (await linesOf(path)).slice(before + 1)
  assert.ok(
    since.every(line => line === 'two'),
    since.join(' '),
  )

  assert.equal((await call('DELETE', '/inputs/a')).status, 200)
  const left = (await linesOf(path)).length
  await systemClock.sleep(20)
  assert.equal((await linesOf(path)).length, left)
  assert.equal((await call('GET', '/inputs/a')).status, 404)
})

test('an input that has ended is stopped, and the stream continues', async t => {
  const path = join(folder, 'ended.txt')
  const call = await serve(t, `input: { dynamic: { prefix: /flow } }\noutput: { file: { path: ${path} } }`)
  await call('POST', '/flow/inputs/short', generate('short', 3))
  await until(async () => (await call('GET', '/flow/inputs/short/uptime')).text === 'stopped')
  assert.deepEqual(await linesOf(path), ['short', 'short', 'short'])
  // Repeating the same body changes nothing, as in the original; a different one restarts the input.
  await call('POST', '/flow/inputs/short', generate('short', 3))
  assert.equal((await call('GET', '/flow/inputs/short/uptime')).text, 'stopped')
  await call('POST', '/flow/inputs/short', generate('again', 2))
  await until(async () => (await linesOf(path)).length === 5)
})

test('an invalid configuration is refused with the reason, and the running one is kept', async t => {
  const path = join(folder, 'bad.txt')
  const call = await serve(
    t,
    `input: { dynamic: { inputs: { a: { generate: { mapping: root = "kept", interval: 1ms } } } } }\noutput: { file: { path: ${path} } }`,
  )
  for (const [body, why] of [
    ['generate: [', /yaml: line 1: did not find expected node content/],
    ['unheard_of: {}', /unable to infer input type/],
    ['generate: { mapping: "root = (" }', /failed to parse bloblang mapping/],
    ['http_server: { rate_limit: none }', /rate limit resource 'none' was not found/],
  ] as const) {
    const { status, text } = await call('POST', '/inputs/a', body)
    assert.equal(status, 502)
    assert.match(text, why)
  }
  assert.equal((await call('PUT', '/inputs/a', generate('x'))).text, 'Error: verb not supported: PUT\n')
  assert.match((await call('GET', '/inputs/a')).text, /kept/)
  const before = (await linesOf(path)).length
  await until(async () => (await linesOf(path)).length > before)
})

test('messages from an input are settled before it is replaced', async t => {
  const [from, path] = [join(folder, 'source.txt'), join(folder, 'settled.txt')]
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`)
  await writeFile(from, lines.map(line => `${line}\n`).join(''))
  const call = await serve(
    t,
    `input: { dynamic: { inputs: { a: { file: { paths: [ ${from} ], delete_on_finish: true } } } } }
pipeline: { processors: [ { sleep: { duration: 1ms } } ] }
output: { file: { path: ${path} } }`,
  )
  await until(async () => (await linesOf(path)).length > 0)
  assert.equal((await call('POST', '/inputs/a', generate('next', 1))).status, 200)
  const settled = (await linesOf(path)).filter(line => line !== 'next')
  await until(async () => (await linesOf(path)).at(-1) === 'next')
  const written = (await linesOf(path)).slice(0, -1)
  assert.deepEqual(written, settled)
  assert.deepEqual(written, lines.slice(0, written.length))
})

test('secrets are not shown', async t => {
  const call = await serve(t, 'input: { dynamic: {} }\noutput: { drop: {} }')
  await call('POST', '/inputs/a', 'redis_list: { url: "redis://127.0.0.1:1", key: k, tls: { root_cas: hidden } }')
  const all = (await call('GET', '/inputs')).text + (await call('GET', '/inputs/a')).text
  assert.match(all, /redis_list/)
  assert.doesNotMatch(all, /hidden/)
})

test('messages wait for an output, and are sent to every output', async t => {
  const [one, two] = [join(folder, 'one.txt'), join(folder, 'two.txt')]
  const call = await serve(
    t,
    'input: { generate: { mapping: root = counter().string(), interval: 1ms, count: 300 } }\noutput: { dynamic: {} }',
  )
  assert.deepEqual(await call('GET', '/outputs'), { status: 200, text: '{}' })
  await call('POST', '/outputs/one', `file: { path: ${one} }`)
  await until(async () => (await linesOf(one)).length > 20)
  await call('POST', '/outputs/two', `file: { path: ${two} }`)
  await until(async () => (await linesOf(two)).length > 20)
  assert.equal((await call('DELETE', '/outputs/two')).status, 200)
  await until(async () => (await linesOf(one)).length === 300)
  assert.deepEqual(
    (await linesOf(one)).map(Number).toSorted((left, right) => left - right),
    Array.from({ length: 300 }, (_, index) => index + 1),
  )
})

test('an output that is removed while it opens its file leaves no file open', async t => {
  const [opening, removed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let handle: FileHandle | undefined
  // On the real one, the race would have to be won by chance.
  const open: ComponentHost['files']['open'] = async (path, flags) => {
    opening.resolve()
    await removed.promise
    return (handle = await systemHost.files.open(path, flags))
  }
  const call = await serve(
    t,
    `input: { generate: { mapping: root = "x", interval: '', count: 1 } }
output: { dynamic: { outputs: { out: { file: { path: ${join(folder, 'removed.txt')} } } } } }`,
    { ...systemHost, files: { ...systemHost.files, open } },
  )
  await opening.promise
  assert.equal((await call('DELETE', '/outputs/out')).status, 200)
  removed.resolve()
  // The number of a closed file is -1.
  await until(() => handle?.fd === -1)
})

test('undelivered messages of an output are delivered by its replacement', async t => {
  const path = join(folder, 'rescued.txt')
  const call = await serve(
    t,
    `input: { generate: { mapping: root = counter().string(), interval: '', count: 5 } }
output: { dynamic: { outputs: { out: { http_client: { url: 'http://127.0.0.1:1', retries: 0 } } } } }`,
  )
  await systemClock.sleep(20)
  assert.equal((await call('POST', '/outputs/out', `file: { path: ${path} }`)).status, 200)
  await until(async () => (await linesOf(path)).length === 5)
})

test('replacing an output that cannot connect passes on its pending messages', async t => {
  const path = join(folder, 'held.txt')
  const batching = 'batching: { count: 3 }'
  const call = await serve(
    t,
    `input: { generate: { mapping: root = counter().string(), interval: '', count: 7 } }
output: { dynamic: { outputs: { out: { redis_list: { url: 'redis://127.0.0.1:1', key: k, ${batching} } } } } }`,
  )
  await systemClock.sleep(50)
  assert.equal((await call('POST', '/outputs/out', `file: { path: ${path} }`)).status, 200)
  await until(async () => (await linesOf(path)).length === 7)
})
