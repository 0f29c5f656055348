// WebSocket inputs and outputs against real servers, with and without TLS, proxies and credentials.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import { type WebSocket, WebSocketServer } from 'ws'
import { startCollecting } from '../collecting.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'
import { until } from '../../base/until.suite.ts'

interface Peer {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  readonly received: [string, boolean][]
}

async function listen(t: TestContext, server: Server = createServer()) {
  const peers: Peer[] = []
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    const peer: Peer = { socket, request, received: [] }
    socket.on('message', (data: Buffer, isBinary) => peer.received.push([data.toString(), isBinary]))
    peers.push(peer)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const { socket } of peers) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  const port = portOf(server)
  return { peers, port }
}

test('each frame is one message, and a closed connection is reopened with its opening messages', async t => {
  const { peers, port } = await listen(t)
  const collecting = await startCollecting(
    t,
    `input: { websocket: { url: "ws://127.0.0.1:${port}/x", open_messages: [ a, b ], open_message_type: text } }`,
  )
  await until(() => peers[0]?.received.length === 2)
  assert.deepEqual(peers[0]!.received, [
    ['a', false],
    ['b', false],
  ])
  assert.equal(peers[0]!.request.url, '/x')
  peers[0]!.socket.send('one')
  peers[0]!.socket.send(Buffer.from([1, 2]))
  await collecting.until(({ texts }) => texts.length === 2)
  peers[0]!.socket.close()
  await until(() => peers[1]?.received.length === 2)
  peers[1]!.socket.send('two')
  await collecting.until(({ texts }) => texts.length === 3)
  assert.deepEqual(collecting.texts, ['one', '\u0001\u0002', 'two'])
})

test('headers, credentials and the protocol are part of the handshake', async t => {
  const { peers, port } = await listen(t)
  const headers = `headers: { X-Kind: '\${! "k" + "ind" }', Sec-WebSocket-Protocol: graphql-ws }`
  const auth = 'basic_auth: { enabled: true, username: u, password: p }'
  await startCollecting(t, `input: { websocket: { url: "ws://127.0.0.1:${port}", ${headers}, ${auth} } }`)
  await until(() => peers.length === 1)
  const sent = peers[0]!.request.headers
  assert.equal(sent['x-kind'], 'kind')
  assert.equal(sent.authorization, `Basic ${Buffer.from('u:p').toString('base64')}`)
  assert.equal(peers[0]!.socket.protocol, 'graphql-ws')
})

test('an input gives up after the configured number of attempts', async t => {
  const config = 'input: { websocket: { url: "ws://127.0.0.1:1", connection: { max_retries: 2 } } }'
  const collecting = await startCollecting(t, config)
  await collecting.stream.done
  assert.equal(collecting.log.filter(line => line.includes('Failed to connect to websocket')).length, 2)
})

test('a slow stream applies backpressure to the sender', async t => {
  const { peers, port } = await listen(t)
  const collecting = await startCollecting(
    t,
    `input: { websocket: { url: "ws://127.0.0.1:${port}" } }\npipeline: { processors: [ { sleep: { duration: 50us } } ] }`,
  )
  await until(() => peers.length === 1)
  for (let index = 0; index < 2000; index++) peers[0]!.socket.send(String(index))
  await collecting.until(({ texts }) => texts.length === 2000)
  assert.deepEqual(
    collecting.texts,
    Array.from({ length: 2000 }, (_, index) => String(index)),
  )
})

const three = "input: { generate: { mapping: 'root = \"m\" + counter().string()', count: 3, interval: '' } }"

test('an output sends binary messages', async t => {
  const { peers, port } = await listen(t)
  const { stream } = await startCollecting(t, `${three}\noutput: { websocket: { url: "ws://127.0.0.1:${port}" } }`)
  await stream.done
  await until(() => peers[0]?.received.length === 3)
  assert.deepEqual(
    peers[0]!.received,
    ['m1', 'm2', 'm3'].map(text => [text, true]),
  )
})

test('an output reconnects after its connection is closed', async t => {
  const { peers, port } = await listen(t)
  const input = "input: { generate: { mapping: 'root = counter()', interval: 5ms } }"
  await startCollecting(t, `${input}\noutput: { websocket: { url: "ws://127.0.0.1:${port}" } }`)
  await until(() => peers.length === 1)
  peers[0]!.socket.terminate()
  await until(() => (peers[1]?.received.length ?? 0) > 0)
})

test('certificates of TLS servers are verified', async t => {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' })
  const { peers, port } = await listen(t, createSecureServer({ cert: made.cert, key: made.private }))
  const output = (tls: string) => `output: { websocket: { url: "wss://127.0.0.1:${port}", ${tls} } }`
  const refused = await startCollecting(t, `${three}\n${output('tls: { enabled: true }')}`)
  await refused.until(({ log }) => log.some(line => /Failed to connect to websocket: .*unknown authority/.test(line)))
  assert.equal(peers.length, 0)
  await startCollecting(t, `${three}\n${output('tls: { enabled: true, skip_cert_verify: true }')}`)
  await until(() => peers[0]?.received.length === 3)
})

test('a proxy is asked for a tunnel, and what it refuses is reported', async t => {
  const { peers, port } = await listen(t)
  const asked: string[] = []
  const proxy = createServer().on('connect', (request, client, head) => {
    asked.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`)
    if (asked.length === 1) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const target = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      target.write(head)
      target.pipe(client).pipe(target)
    })
    client.on('error', () => target.destroy())
    target.on('error', () => client.destroy())
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  t.after(() => proxy.close())
  const proxyPort = portOf(proxy)
  const proxyUrl = `http://u:p@127.0.0.1:${proxyPort}`
  const config = `${three}\noutput: { websocket: { url: "ws://127.0.0.1:${port}", proxy_url: "${proxyUrl}" } }`
  const collecting = await startCollecting(t, config)
  await until(() => peers[0]?.received.length === 3)
  assert.deepEqual(asked[0], `127.0.0.1:${port} Basic ${Buffer.from('u:p').toString('base64')}`)
  assert.ok(collecting.log.some(line => line.includes('407')))
})

test('a URL with another scheme is refused when the stream starts', async t => {
  for (const [fields, wanted] of [
    ['url: "http://x"', /url http:\/\/x: expected ws:\/\/ or wss:\/\//],
    ['url: "ws://x", proxy_url: "socks5://y"', /proxy_url socks5:\/\/y: expected http:\/\//],
  ] as const) {
    await assert.rejects(startCollecting(t, `input: { websocket: { ${fields} } }`), wanted)
  }
})
