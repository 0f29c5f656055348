import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { startStream } from '../../engine/index.ts'
import { createRegistry } from '../index.ts'
import { systemHost } from '../../host/index.ts'
import { freePort } from '../../../test/servers/ports.ts'
import { until } from '../../base/until.suite.ts'

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'penstock-http-server-'))
})
after(() => rm(folder, { recursive: true }))

/** Starts a stream with its own `http_server` input; it is stopped at the end of the test. */
async function serve(t: TestContext, input: string, rest: string): Promise<{ url: string; port: number }> {
  const port = await freePort()
  const stream = await startStream(
    `http: { enabled: false }\ninput: { http_server: { address: "127.0.0.1:${port}", ${input} } }\n${rest}`,
    { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog },
  )
  t.after(() => stream.stop())
  const url = `http://127.0.0.1:${port}`
  for (let attempt = 0; attempt < 100; attempt++) {
    const answered = await fetch(url).then(
      () => true,
      () => false,
    )
    if (answered) break
    await systemClock.sleep(20)
  }
  return { url, port }
}

test('a request is answered once its message, with metadata, is written', async t => {
  const path = join(folder, 'posted')
  const { url } = await serve(
    t,
    'path: "/{tenant}/in"',
    `pipeline: { processors: [ { mapping: 'root = [content().string(), @tenant, @colour, metadata("X-Kind"), @http_server_verb, @http_server_request_path, @session]' } ] }
output: { file: { path: ${path}, codec: lines } }`,
  )
  const headers = { 'x-kind': 'k', cookie: 'session=s1' }
  const response = await fetch(`${url}/acme/in?colour=red`, { method: 'POST', body: 'hello', headers })
  assert.equal(response.status, 200)
  assert.deepEqual(JSON.parse(await readFile(path, 'utf8')), ['hello', 'acme', 'red', 'k', 'POST', '/acme/in', 's1'])
})

test('parameters of a path may have patterns, which may span segments', async t => {
  const { url } = await serve(
    t,
    'path: "/files/{id:[0-9]+}/{path:.+}.txt"',
    `pipeline: { processors: [ { mapping: 'root = [@id, @path]' } ] }\noutput: { sync_response: {} }`,
  )
  const post = (path: string) => fetch(url + path, { method: 'POST', body: 'x' })
  assert.deepEqual(await (await post('/files/12/a%2Fb/c%20d.txt')).json(), ['12', 'a/b/c d'])
  for (const path of ['/files/x/a.txt', '/files/12/.txt', '/files/12/atxt', '/files/12/a.txt/']) {
    assert.equal((await post(path)).status, 404, path)
  }
})

test('a multipart body without a boundary is refused', async t => {
  const { url } = await serve(t, 'path: /post', 'output: { drop: {} }')
  const headers = { 'content-type': 'multipart/form-data' }
  const response = await fetch(`${url}/post`, { method: 'POST', body: 'x', headers })
  assert.deepEqual([response.status, await response.text()], [400, 'Bad request\n'])
})

test('a multipart body is a batch', async t => {
  const path = join(folder, 'multipart')
  const { url } = await serve(
    t,
    'path: /post',
    `pipeline: { processors: [ { mapping: 'root = content().string() + batch_size().string()' } ] }
output: { file: { path: ${path}, codec: lines } }`,
  )
  const body = '--x\r\n\r\none\r\n--x\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--x--\r\n'
  const headers = { 'content-type': 'multipart/mixed; boundary=x' }
  assert.equal((await fetch(`${url}/post`, { method: 'POST', body, headers })).status, 200)
  assert.equal((await readFile(path, 'utf8')).trim(), 'one2\ntwo2')
})

test('answers 405 to other methods, 404 to other paths, 502 to rejected messages and 408 on timeout', async t => {
  const { url } = await serve(t, 'path: /post, timeout: 300ms', "output: { reject: 'no: ${! content() }' }")
  assert.equal((await fetch(`${url}/post`)).status, 405)
  assert.equal((await fetch(`${url}/nowhere`, { method: 'POST' })).status, 404)
  const refused = await fetch(`${url}/post`, { method: 'POST', body: 'x' })
  assert.equal(refused.status, 502)
  assert.match(await refused.text(), /no: x/)
  const slow = await serve(
    t,
    'path: /post, timeout: 50ms',
    'pipeline: { processors: [ { sleep: { duration: 400ms } } ] }\noutput: { drop: {} }',
  )
  assert.equal((await fetch(`${slow.url}/post`, { method: 'POST', body: 'x' })).status, 408)
})

test('the sync_response of the stream is the HTTP response', async t => {
  const { url } = await serve(
    t,
    'path: /post, sync_response: { status: \'${! meta("code") }\', headers: { Content-Type: text/shout } }',
    `pipeline: { processors: [ { mapping: ${JSON.stringify('root = content().uppercase()\nmeta code = 201')} } ] }
output: { sync_response: {} }`,
  )
  const response = await fetch(`${url}/post`, { method: 'POST', body: 'quiet' })
  assert.equal(response.status, 201)
  assert.equal(response.headers.get('content-type'), 'text/shout')
  assert.equal(await response.text(), 'QUIET')
})

test('messages are also received by WebSocket, after a welcome message', async t => {
  const path = join(folder, 'socket')
  const { port } = await serve(
    t,
    'path: /post, ws_path: /ws, ws_welcome_message: hi',
    `output: { file: { path: ${path}, codec: lines } }`,
  )
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  socket.binaryType = 'arraybuffer'
  const welcome = await new Promise<string>((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(Buffer.from(data).toString())
    socket.onerror = () => reject(new Error('no connection'))
  })
  assert.equal(welcome, 'hi')
  socket.send('one')
  socket.send('two')
  const written = () => readFile(path, 'utf8').catch(() => '')
  await until(async () => (await written()) === 'one\ntwo\n', written)
  socket.close()
})
