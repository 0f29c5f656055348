import { asError, codeOf } from '../base/index.ts'
import assert from 'node:assert/strict'
import { createSocket as createDatagramSocket, Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { connect, createServer as createSocketServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { after, test } from 'node:test'
import { HttpTransport } from '../engine/index.ts'
import { AddressFilter } from './address-filter.ts'
import { grantedHost, readGrants } from './granted-host.ts'
import { guardSockets } from './guard.ts'
import { portOf } from '../../test/servers/ports.ts'

/** A server of ours, which pipelines must not reach, and someone else's on the same machine, which they may. */
const own = await serve((_, response) => response.end('secret'))
const foreign = await serve((request, response) => {
  if (request.url === '/redirect') response.writeHead(302, { location: `http://localhost:${own.port}/` }).end()
  else response.end('hello')
})
const bindUnguarded = DatagramSocket.prototype.bind
const policy = { grants: [], ownPorts: [own.port] }
const { network, refusal } = grantedHost(policy)

async function serve(handle: Parameters<typeof createServer>[1]): Promise<{ port: number; connections: number }> {
  const found = { port: 0, connections: 0 }
  const server = createServer(handle).on('connection', () => found.connections++)
  after(() => server.close())
  await once(server.listen(0, '::'), 'listening')
  found.port = portOf(server)
  return found
}

const ownAddresses = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(({ address }) => address))
/** Every notation for an address of this machine. */
const notations = [
  ...['127.0.0.1', 'localhost', 'LOCALHOST', '2130706433', '0x7f.1', '0177.0.0.1', '127.1', '0.0.0.0', '0'],
  ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]'],
  ...ownAddresses
    .filter(address => !address.startsWith('fe80'))
    .map(address => (address.includes(':') ? `[${address}]` : address)),
]

test('the ports of the control plane and the agent are refused in every notation of an address', async () => {
  for (const host of notations) {
    const url = `http://${host}:${own.port}/`
    await assert.rejects(network.fetch(url), isRefusal, `fetch ${url}`)
    const agent = network.agent()
    await assert.rejects(getWith(url, agent), isRefusal, `agent ${url}`)
    agent.destroy()
    const socket = network.connect({ host: host.replace(/^\[|\]$/g, ''), port: own.port })
    await assert.rejects(once(socket, 'connect'), isRefusal, `connect ${host}`)
  }
  assert.equal(own.connections, 0)
})

test('other servers on the same machine can be reached', async () => {
  assert.equal(await (await network.fetch(`http://localhost:${foreign.port}/`)).text(), 'hello')
  const socket = network.connect({ host: '127.0.0.1', port: foreign.port })
  await once(socket, 'connect')
  socket.destroy()
})

test('a redirect cannot lead to a refused address', async () => {
  await assert.rejects(network.fetch(`http://127.0.0.1:${foreign.port}/redirect`), isRefusal)
  const transport = new HttpTransport({ sockets: network })
  const request = transport.request(`http://127.0.0.1:${foreign.port}/redirect`, { method: 'GET', timeoutMs: 60_000 })
  await assert.rejects(request, isRefusal)
  await transport.close()
  assert.equal(own.connections, 0)
})

test('link-local addresses and cloud metadata services are refused', () => {
  const filter = new AddressFilter([], [])
  for (const address of [
    ...['169.254.169.254', '169.254.170.2', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe'],
    ...['fe80::1', 'fe80::1%eth0', 'febf::1', 'fd00:ec2::254', '100.100.100.200', '168.63.129.16'],
  ]) {
    assert.equal(filter.allows(address, 80), false, address)
  }
  for (const address of ['10.0.0.1', '127.0.0.1', '1.1.1.1', '2606:4700::1111', 'fd00::1']) {
    assert.equal(filter.allows(address, 80), true, address)
  }
})

test('an address can be granted alone, with a port, or as a range', () => {
  const filter = new AddressFilter(
    readGrants('network=169.254.169.254:80,network=fe80::/10,network=[::1]:9,network=localhost:8'),
    [8, 9],
  )
  const allowed = (address: string, port: number) => filter.allows(address, port)
  assert.deepEqual([allowed('169.254.169.254', 80), allowed('169.254.169.254', 81)], [true, false])
  assert.deepEqual([allowed('fe80::1', 1), allowed('::1', 9), allowed('127.0.0.1', 9)], [true, true, false])
  assert.deepEqual([allowed('127.0.0.1', 8), allowed('::1', 8)], [true, true])
  assert.equal(new AddressFilter(readGrants('network'), [8]).allows('127.0.0.1', 8), true)
})

// From here on every socket of this process is guarded.
test('sockets that libraries open are filtered as well, and servers are refused', async () => {
  guardSockets(policy, { refusal: refusal! }, () => false)
  for (const host of notations) {
    const plain = host.replace(/^\[|\]$/g, '')
    await assert.rejects(once(connect({ host: plain, port: own.port }), 'connect'), isRefusal, host)
    await assert.rejects(once(connect(own.port, plain), 'connect'), isRefusal, host)
    await assert.rejects(getWith(`http://${host}:${own.port}/`), isRefusal, host)
    await assert.rejects(fetch(`http://${host}:${own.port}/`), isRefusal, host)
  }
  await assert.rejects(once(connect(own.port), 'connect'), isRefusal)
  await assert.rejects(once(connect('/var/run/x.sock'), 'connect'), { code: 'not_granted', capability: 'files' })
  assert.equal(own.connections, 0)
  assert.equal(await (await fetch(`http://localhost:${foreign.port}/`)).text(), 'hello')
  assert.throws(() => createSocketServer().listen(0), { code: 'not_granted', capability: 'listen' })
  assert.throws(() => createSocketServer().listen({ path: '/tmp/x.sock' }), {
    code: 'not_granted',
    capability: 'listen',
  })
})

test('datagrams cannot reach refused addresses, and cannot bind ports', async () => {
  const received: string[] = []
  const listen = async (wanted: number) => {
    const server = createDatagramSocket('udp4').on('message', message => received.push(message.toString()))
    after(() => server.close())
    Reflect.apply(bindUnguarded, server, [wanted, '127.0.0.1'])
    await once(server, 'listening')
    return server.address().port
  }
  await listen(own.port)
  const strange = await listen(0)
  const client = createDatagramSocket('udp4')
  after(() => client.close())
  const send = (...target: [number, string?]) =>
    new Promise<void>((resolve, reject) => {
      const done = (error: Error | null) => (error === null ? resolve() : reject(error))
      if (target[1] === undefined) client.send(Buffer.from('x'), target[0], done)
      else client.send(Buffer.from('-x-'), 1, 1, target[0], target[1], done)
    })
  for (const host of ['127.0.0.1', 'localhost', '2130706433', '0.0.0.0', undefined]) {
    await assert.rejects(send(own.port, host), isRefusal, host)
  }
  const connected = createDatagramSocket('udp4')
  after(() => connected.close())
  const connecting = new Promise((_, reject) => connected.connect(own.port, 'localhost', reject))
  await assert.rejects(connecting, isRefusal)
  await send(strange, 'localhost')
  while (received.length === 0) await new Promise(setImmediate)
  assert.deepEqual(received, ['x'])
  assert.throws(() => createDatagramSocket('udp4').bind(strange + 1), { code: 'not_granted', capability: 'listen' })
})

test('the Kafka client, which opens its own sockets, cannot reach refused addresses', async () => {
  const { Admin } = await import('@platformatic/kafka')
  const bootstrapBrokers = [{ host: 'localhost', port: own.port }]
  const admin = new Admin({ clientId: 'x', bootstrapBrokers, retries: 0 })
  await assert.rejects(admin.listTopics(), isRefusal)
  await admin.close()
  assert.equal(own.connections, 0)
})

function isRefusal(error: unknown): true {
  for (let cause = error; cause !== undefined; cause = asError(cause).cause) {
    if (codeOf(cause) === 'not_granted') return true
    if (cause instanceof AggregateError && cause.errors.length === 1) return isRefusal(cause.errors[0])
  }
  throw error
}

async function getWith(url: string, agent?: ReturnType<typeof network.agent>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    get(url, { agent }, response => resolve(void response.resume())).on('error', reject)
  })
}
