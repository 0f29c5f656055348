// Socket inputs and outputs over real sockets: TCP, UDP, TLS and Unix.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import { writeFileSync } from 'node:fs'
import { type Collecting, startCollecting } from '../collecting.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'
import { until } from '../../base/until.suite.ts'

/** A server that hands out its connections in order. */
async function listen(t: TestContext): Promise<{ server: Server; port: number; connections: Socket[] }> {
  const connections: Socket[] = []
  const server = createServer(socket => connections.push(socket.on('error', () => undefined)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of connections) socket.destroy()
    server.close()
  })
  const port = portOf(server)
  return { server, port, connections }
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'penstock-sockets-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

test('data is split into messages across chunks, and a closed connection is reopened', async t => {
  const { port, connections } = await listen(t)
  const collecting = await startCollecting(t, `input: { socket: { network: tcp, address: "127.0.0.1:${port}" } }`)
  await until(() => connections.length === 1)
  connections[0]!.write('one\ntw')
  await collecting.until(({ texts }) => texts.length === 1)
  connections[0]!.end('o\nthree without an end')
  await until(() => connections.length === 2)
  connections[1]!.write('four\n')
  await collecting.until(({ texts }) => texts.length === 4)
  assert.deepEqual(collecting.texts, ['one', 'two', 'three without an end', 'four'])
})

test('the scanner determines how the data of a socket is split', async t => {
  const { port, connections } = await listen(t)
  const scanner = 'scanner: { lines: { custom_delimiter: "|" } }'
  const config = `input: { socket: { network: tcp, address: "127.0.0.1:${port}", ${scanner} } }`
  const collecting = await startCollecting(t, config)
  await until(() => connections.length === 1)
  connections[0]!.write('a|b\n|c|')
  await collecting.until(({ texts }) => texts.length === 3)
  assert.deepEqual(collecting.texts, ['a', 'b\n', 'c'])
})

test('a scanner error is reported, and the input continues with a new connection', async t => {
  const { port, connections } = await listen(t)
  const scanner = 'scanner: { lines: { max_buffer_size: 10 } }'
  const config = `input: { socket: { network: tcp, address: "127.0.0.1:${port}", ${scanner} } }`
  const collecting = await startCollecting(t, config)
  await until(() => connections.length === 1)
  connections[0]!.write(`${'x'.repeat(100)}\n`)
  await until(() => connections.length === 2)
  assert.ok(collecting.log.some(line => line.includes('token too long')))
  connections[1]!.write('fine\n')
  await collecting.until(({ texts }) => texts.length === 1)
})

const cached = (network: string, more = '') => `
input:
  label: own
  socket_server: { network: ${network}, address: "127.0.0.1:0", address_cache: addresses ${more} }
cache_resources: [ { label: addresses, memory: {} } ]
pipeline:
  processors:
    - branch:
        processors: [ { cache: { resource: addresses, operator: get, key: own_address } } ]
        result_map: meta address = content().string()
`

/** The port of a server that listens on an ephemeral one. */
async function loggedPort({ log, until: waitUntil }: Collecting): Promise<number> {
  const pattern = /socket messages from address: 127\.0\.0\.1:(\d+)$/
  await waitUntil(() => log.some(line => pattern.test(line)))
  return Number(pattern.exec(log.find(line => pattern.test(line))!)![1])
}

test('a TCP server scans each connection separately, and stores its address in a cache', async t => {
  const collecting = await startCollecting(t, cached('tcp'))
  const port = await loggedPort(collecting)
  const [first, second] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  first.write('from the fi')
  second.write('from the second\n')
  await collecting.until(({ texts }) => texts.length === 1)
  first.end('rst\n')
  await collecting.until(({ texts }) => texts.length === 2)
  second.destroy()
  assert.deepEqual(collecting.texts, ['from the second', 'from the first'])
  assert.equal(collecting.messages[0]!.metadata.get('address'), `127.0.0.1:${port}`)
})

test('a connection with a scanner error is closed, and the others stay open', async t => {
  const collecting = await startCollecting(t, cached('tcp', ', scanner: { lines: { max_buffer_size: 10 } }'))
  const port = await loggedPort(collecting)
  const [good, bad] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1').on('error', () => undefined)]
  bad.write('x'.repeat(100))
  await once(bad, 'close')
  good.end('fine\n')
  await collecting.until(({ texts }) => texts.length === 1)
  assert.ok(collecting.log.some(line => /Connection dropped due to: .*token too long/.test(line)))
})

test('datagrams form one byte stream, and a scanner error does not end it', async t => {
  const collecting = await startCollecting(t, cached('udp', ', scanner: { lines: { max_buffer_size: 10 } }'))
  const port = await loggedPort(collecting)
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const send = (text: string) => socket.send(text, port, '127.0.0.1')
  send('one\ntw')
  send('o\n')
  await collecting.until(({ texts }) => texts.length === 2)
  send('x'.repeat(100))
  await collecting.until(({ log }) => log.some(line => line.includes('token too long')))
  send('three\n')
  await collecting.until(({ texts }) => texts.length === 3)
  assert.deepEqual(collecting.texts, ['one', 'two', 'three'])
})

test('a TLS server uses its certificate, or generates one', async t => {
  const folder = await folderOf(t)
  const made = await generate([{ name: 'commonName', value: 'from-a-file' }], { keyType: 'ec' })
  writeFileSync(join(folder, 'cert.pem'), made.cert)
  writeFileSync(join(folder, 'key.pem'), made.private)
  const files = `{ cert_file: ${join(folder, 'cert.pem')}, key_file: ${join(folder, 'key.pem')} }`
  for (const [tls, name] of [
    ['{ self_signed: true }', 'localhost'],
    [files, 'from-a-file'],
  ] as const) {
    const collecting = await startCollecting(t, cached('tls', `, tls: ${tls}`))
    const client = connectTls({ port: await loggedPort(collecting), host: '127.0.0.1', rejectUnauthorized: false })
    await once(client, 'secureConnect')
    assert.equal(client.getPeerCertificate().subject.CN, name)
    client.end('secret\n')
    await collecting.until(({ texts }) => texts.length === 1)
  }
})

test('a TLS server without a certificate reports it', async t => {
  const collecting = await startCollecting(t, cached('tls'))
  const wanted = 'must specify either a certificate file or enable self signed'
  await collecting.until(({ log }) => log.some(line => line.includes(wanted)))
})

test('an address without a port is an error that names it', async t => {
  for (const config of [
    'input: { socket: { network: tcp, address: nowhere } }',
    'input: { socket_server: { network: tcp, address: nowhere } }',
    'input: { generate: { mapping: root = 1 } }\noutput: { socket: { network: udp, address: nowhere } }',
  ]) {
    const collecting = await startCollecting(t, config)
    await collecting.until(({ log }) => log.some(line => line.includes('address nowhere: expected host:port')))
  }
})

const three = `input: { generate: { mapping: 'root = ["one", "two\\n", "three"].index(counter() - 1)', count: 3, interval: '' } }`

test('messages are delimited by the codec', async t => {
  for (const [codec, expected] of [
    ['lines', 'one\ntwo\nthree\n'],
    ['append', 'onetwo\nthree'],
    ['delim:|', 'one|two\n|three|'],
  ] as const) {
    const { port, connections } = await listen(t)
    const output = `output: { socket: { network: tcp, address: "127.0.0.1:${port}", codec: "${codec}" } }`
    const { stream } = await startCollecting(t, `${three}\n${output}`)
    await until(() => connections.length === 1)
    const received = connections[0]!.toArray()
    await stream.done
    assert.equal(Buffer.concat(await received).toString(), expected, codec)
  }
})

test('with all-bytes each message has a separate connection', async t => {
  const { port, connections } = await listen(t)
  const output = `output: { socket: { network: tcp, address: "127.0.0.1:${port}", codec: all-bytes } }`
  const { stream } = await startCollecting(t, `${three}\n${output}`)
  await stream.done
  await until(() => connections.length >= 3)
  const received = await Promise.all(connections.map(async each => Buffer.concat(await each.toArray())))
  // One more connection may be open that nothing was sent over.
  assert.deepEqual(
    received.map(String).filter(text => text !== ''),
    ['one', 'two\n', 'three'],
  )
})

test('an output reconnects for the next message after its connection is closed', async t => {
  const { port, connections } = await listen(t)
  const input = "input: { generate: { mapping: 'root = counter()', interval: 5ms } }"
  await startCollecting(t, `${input}\noutput: { socket: { network: tcp, address: "127.0.0.1:${port}" } }`)
  await until(() => connections.length === 1)
  connections[0]!.destroy()
  await until(() => connections.length === 2)
  const first = (await once(connections[1]!, 'data'))[0]!
  assert.match(first.toString(), /^\d+\n/)
})

test('a UDP output sends each message as one datagram', async t => {
  const socket = createSocket('udp4')
  const received: string[] = []
  socket.on('message', piece => received.push(piece.toString()))
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  const output = `output: { socket: { network: udp, address: "127.0.0.1:${socket.address().port}" } }`
  const { stream } = await startCollecting(t, `${three}\n${output}`)
  await stream.done
  await until(() => received.length === 3)
  assert.deepEqual(received, ['one\n', 'two\n', 'three\n'])
})
