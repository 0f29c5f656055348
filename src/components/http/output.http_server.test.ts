import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { systemClock } from '../../base/index.ts'
import { startCollecting } from '../collecting.suite.ts'
import { freePort } from '../../../test/servers/ports.ts'

/** A stream of numbers with its own `http_server` output. */
async function serve(t: TestContext, output: string, count = 3, batch = 1) {
  const port = await freePort()
  const collecting = await startCollecting(
    t,
    `input: { generate: { mapping: 'root = "m" + counter().string()', count: ${count}, interval: '', batch_size: ${batch} } }
output: { http_server: { address: "127.0.0.1:${port}", ${output} } }`,
  )
  await collecting.until(({ log }) => log.some(line => line.includes('Serving messages through HTTP')))
  return { url: `http://127.0.0.1:${port}`, collecting }
}

test('each request gets the next message, and the stream ends with the last one', async t => {
  const { url, collecting } = await serve(t, 'path: /next')
  for (const expected of ['m1', 'm2', 'm3']) {
    const response = await fetch(`${url}/next`)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'application/octet-stream')
    assert.equal(await response.text(), expected)
  }
  await collecting.stream.done
})

test('a batch is one multipart response', async t => {
  const { url } = await serve(t, 'path: /next', 2, 2)
  const response = await fetch(`${url}/next`)
  const parts = await response.formData().catch(() => null)
  assert.match(response.headers.get('content-type') ?? '', /^multipart\/form-data; boundary=/)
  assert.equal(parts, null) // its parts have no names, as formData requires
})

test('without a message a request is 408, with another method 405', async t => {
  const { url } = await serve(t, 'path: /next, timeout: 20ms, allowed_verbs: [ POST ]', 1)
  assert.equal((await fetch(`${url}/next`)).status, 405)
  assert.equal((await fetch(`${url}/get/stream`)).status, 405)
  assert.equal((await fetch(`${url}/elsewhere`)).status, 404)
  assert.equal(await (await fetch(`${url}/next`, { method: 'POST' })).text(), 'm1')
})

test('a request that waits too long is answered 408', async t => {
  const port = await freePort()
  const collecting = await startCollecting(
    t,
    `input: { generate: { mapping: root = 1, interval: 1h, count: 2 } }
output: { http_server: { address: "127.0.0.1:${port}", timeout: 20ms } }`,
  )
  await collecting.until(({ log }) => log.some(line => line.includes('Serving messages')))
  await (await fetch(`http://127.0.0.1:${port}/get`)).text()
  const response = await fetch(`http://127.0.0.1:${port}/get`)
  assert.deepEqual([response.status, await response.text()], [408, 'Timed out waiting for message\n'])
})

test('a line stream has one line per message, and a blank line after a batch', async t => {
  const { url } = await serve(t, 'stream_path: /flow', 4, 2)
  assert.equal(await (await fetch(`${url}/flow`)).text(), 'm1\nm2\n\nm3\nm4\n\n')
  const single = await serve(t, 'stream_path: /flow', 2)
  assert.equal(await (await fetch(`${single.url}/flow`)).text(), 'm1\nm2\n')
})

test('server-sent events have the right headers, one event per message, and heartbeats', async t => {
  const port = await freePort()
  const collecting = await startCollecting(
    t,
    `input:
  sequence:
    inputs:
      - generate: { mapping: 'root = "a\\nb"', count: 1, interval: '' }
      - generate: { mapping: 'root = "never"', interval: 1h }
pipeline: { processors: [ { mapping: 'root = if content() == "never" { deleted() }' } ] }
output:
  http_server:
    address: "127.0.0.1:${port}"
    stream_path: /flow
    stream_format: event_source
    heartbeat: 10ms
    cors: { enabled: true, allowed_origins: [ 'https://site' ] }`,
  )
  await collecting.until(({ log }) => log.some(line => line.includes('Serving messages')))
  const response = await fetch(`http://127.0.0.1:${port}/flow`, { headers: { origin: 'https://site' } })
  assert.equal(response.headers.get('content-type'), 'text/event-stream')
  assert.equal(response.headers.get('access-control-allow-origin'), 'https://site')
  let text = ''
  for await (const piece of response.body!) {
    text += Buffer.from(piece).toString()
    if (text.includes('heartbeat')) break
  }
  assert.equal(text, 'data: a\ndata: b\n\n: heartbeat\n\n')
})

test('messages are sent by WebSocket as text or binary, and the connection closes with the stream', async t => {
  for (const [type, isBinary] of [
    ['binary', true],
    ['text', false],
  ] as const) {
    const { url } = await serve(t, `ws_path: /ws, ws_message_type: ${type}`)
    const client = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    const received: [string, boolean][] = []
    client.on('message', (data: Buffer, binary) => received.push([data.toString(), binary]))
    await once(client, 'close')
    assert.deepEqual(
      received,
      ['m1', 'm2', 'm3'].map(text => [text, isBinary]),
    )
  }
})

test('a cross-origin WebSocket is refused, and a client that does not answer pings is disconnected', async t => {
  const { url } = await serve(
    t,
    "ws_path: /ws, ping_period: 10ms, pong_wait: 30ms, cors: { enabled: true, allowed_origins: [ 'https://site' ] }",
    0,
  )
  const address = `${url.replace('http', 'ws')}/ws`
  const refused = (await once(new WebSocket(address, { origin: 'https://other' }), 'error'))[0]!
  assert.match(refused.message, /403/)
  const mute = new WebSocket(address, { origin: 'https://site', autoPong: false })
  mute.on('message', () => undefined)
  await once(mute, 'close')
})

test('messages undelivered to a disconnected client are sent to another', async t => {
  const { url, collecting } = await serve(t, 'path: /next, stream_path: /flow', 5)
  const leaving = new AbortController()
  const first = await fetch(`${url}/next`, { signal: leaving.signal })
  const texts = [await first.text()]
  leaving.abort()
  for (let left = 4; left > 0; left--) texts.push(await (await fetch(`${url}/next`)).text())
  assert.deepEqual(texts, ['m1', 'm2', 'm3', 'm4', 'm5'])
  await collecting.stream.done
})

test('a client that disconnects while waiting loses no message', async t => {
  const [inPort, port] = [await freePort(), await freePort()]
  const collecting = await startCollecting(
    t,
    `input: { http_server: { address: "127.0.0.1:${inPort}", path: /in } }
output: { http_server: { address: "127.0.0.1:${port}" } }`,
  )
  await collecting.until(({ log }) => log.some(line => line.includes('Serving messages')))
  const send = async (body: string) => (await fetch(`http://127.0.0.1:${inPort}/in`, { method: 'POST', body })).status
  const url = `http://127.0.0.1:${port}/get`
  const leaving = new AbortController()
  const waiting = fetch(url, { signal: leaving.signal }).catch((error: Error) => error.name)
  await systemClock.sleep(50)
  leaving.abort()
  assert.equal(await waiting, 'AbortError')
  const sent = send('first')
  assert.equal(await (await fetch(url)).text(), 'first')
  assert.equal(await sent, 200)
})
