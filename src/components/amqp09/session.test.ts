// The client of AMQP 0.9.1 against a server that does what the test says; RabbitMQ is in amqp09.integration.test.ts.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { listen } from '../../../test/servers/ports.ts'
import { methods, type Received, type Returned } from './frames.ts'
import { AmqpSession, type SessionEvents } from './session.ts'
import { decodeProperties, encodeProperties, FieldReader, type FieldTable, FieldWriter } from './wire.ts'

const [method, header, body, heartbeat] = [1, 2, 3, 8]

function frame(type: number, channel: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(7)
  head.writeUInt8(type, 0)
  head.writeUInt16BE(channel, 1)
  head.writeUInt32BE(payload.length, 3)
  return Buffer.concat([head, payload, Buffer.from([0xce])])
}

function methodFrame(id: number, write: (fields: FieldWriter) => unknown, channel = 1): Buffer {
  const fields = new FieldWriter().long(id)
  write(fields)
  return frame(method, channel, fields.written)
}

const none = () => undefined

function headerFrame(size: number): Buffer {
  const start = Buffer.alloc(12)
  start.writeUInt16BE(60, 0)
  start.writeUInt32BE(size, 8)
  return frame(header, 1, Buffer.concat([start, encodeProperties({ contentType: 'text/plain', priority: 3 })]))
}

const deliver = (tag: number, size: number) =>
  Buffer.concat([
    methodFrame(methods.basicDeliver, fields =>
      fields.shortText('me').longLong(tag).bits(true).shortText('e').shortText('k'),
    ),
    headerFrame(size),
  ])

/** A frame that the server has received. */
interface Sent {
  readonly type: number
  readonly payload: Buffer
  readonly method: number
}

/** A server that signs every client in, and keeps the frames that follow. */
class Peer {
  readonly sent: Sent[] = []
  readonly port: number
  readonly #sockets: Promise<Socket>
  #changed: () => void = () => undefined

  static async start(t: TestContext, frameBytes = 0): Promise<Peer> {
    const { promise, resolve } = Promise.withResolvers<Socket>()
    const server = createServer(resolve)
    const port = await listen(server)
    const peer = new Peer(port, promise, frameBytes)
    t.after(async () => {
      ;(await promise).destroy()
      server.close()
    })
    return peer
  }

  private constructor(port: number, socket: Promise<Socket>, frameBytes: number) {
    this.port = port
    this.#sockets = socket
    void socket.then(open => this.#serve(open, frameBytes))
  }

  async open(t: TestContext, events: SessionEvents = {}, heartbeatSeconds = 0): Promise<AmqpSession> {
    const signIn = { user: { name: 'guest', password: 'guest' }, virtualHost: '/', heartbeatSeconds }
    const session = await AmqpSession.open(connect({ port: this.port, host: '127.0.0.1' }), signIn, events, t.signal)
    this.sent.length = 0
    return session
  }

  async write(...frames: readonly Uint8Array[]): Promise<void> {
    const socket = await this.#sockets
    for (const each of frames) socket.write(each)
  }

  async end(): Promise<void> {
    ;(await this.#sockets).end()
  }

  /** Resolves once a method has arrived this many times. */
  async received(id: number, times = 1): Promise<void> {
    while (this.sent.filter(each => each.method === id).length < times) {
      await new Promise<void>(resolve => (this.#changed = resolve))
    }
  }

  #serve(socket: Socket, frameBytes: number): void {
    let rest: Buffer = Buffer.alloc(0)
    let isGreeted = false
    socket.on('error', () => undefined) // of a client that gave up
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data])
      if (!isGreeted && rest.length >= 8) {
        assert.deepEqual([...rest.subarray(0, 8)], [...Buffer.from('AMQP'), 0, 0, 9, 1])
        rest = rest.subarray(8)
        isGreeted = true
        socket.write(methodFrame(methods.connectionStart, fields => fields.octet(0).octet(9).table({}), 0))
      }
      while (rest.length >= 8 && rest.length >= rest.readUInt32BE(3) + 8) {
        const size = rest.readUInt32BE(3)
        const payload = rest.subarray(7, 7 + size)
        const type = rest[0]!
        const sent = { type, payload, method: type === method ? payload.readUInt32BE(0) : 0 }
        rest = rest.subarray(size + 8)
        this.sent.push(sent)
        this.#answer(socket, sent.method, frameBytes)
      }
      this.#changed()
    })
  }

  #answer(socket: Socket, id: number, frameBytes: number): void {
    const answers: Readonly<Record<number, Buffer>> = {
      [methods.connectionStartOk]: methodFrame(methods.connectionTune, f => f.short(0).long(frameBytes).short(0), 0),
      [methods.connectionOpen]: methodFrame(methods.connectionOpenOk, none, 0),
      [methods.channelOpen]: methodFrame(methods.channelOpenOk, none),
      [methods.confirmSelect]: methodFrame(methods.confirmSelectOk, none),
    }
    const answer = answers[id]
    if (answer !== undefined) socket.write(answer)
  }
}

const confirmed = (tag: number, upTo: boolean) =>
  methodFrame(methods.basicAck, fields => fields.longLong(tag).bits(upTo))

const place = { exchange: 'e', key: 'k', mandatory: false }

test('a message arrives whole, however its bytes are split', async t => {
  const messages: Received[] = []
  const peer = await Peer.start(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  await peer.open(t, { received: message => void (messages.push(message) === 3 && resolve()) })
  const bytes = Buffer.concat([
    deliver(1, 5),
    frame(body, 1, Buffer.from('he')),
    frame(heartbeat, 0, Buffer.alloc(0)),
    frame(body, 1, Buffer.from('llo')),
    deliver(2, 0),
    deliver(2 ** 32 + 3, 1),
    frame(body, 1, Buffer.from('x')),
  ])
  for (const byte of bytes) await peer.write(Buffer.from([byte]))
  await promise
  assert.deepEqual(
    messages.map(({ content }) => Buffer.from(content).toString()),
    ['hello', '', 'x'],
  )
  assert.deepEqual(
    { ...messages[2], content: null },
    {
      consumerTag: 'me',
      deliveryTag: 2 ** 32 + 3,
      redelivered: true,
      exchange: 'e',
      routingKey: 'k',
      properties: { contentType: 'text/plain', priority: 3 },
      content: null,
    },
  )
})

const broken: Readonly<Record<string, readonly [bytes: Uint8Array, reason: RegExp]>> = {
  'a frame of an unknown type': [Buffer.from('HTTP/1.1 400 Bad Request'), /unknown frame type 72/],
  'a frame that is too large': [
    Buffer.from([1, 0, 1, 0xff, 0xff, 0xff, 0xff]),
    /a frame of 4294967295 bytes is too large/,
  ],
  'a frame without its end': [
    Buffer.concat([frame(heartbeat, 0, Buffer.alloc(0)).subarray(0, 7), Buffer.from([0])]),
    /end/,
  ],
  'a method that ends too early': [frame(method, 1, Buffer.from([0, 60])), /ends beyond its frame/],
  'an answer to nothing': [methodFrame(methods.queueBindOk, none), /unexpected method 50\.21/],
  'a body without a message': [frame(body, 1, Buffer.from('x')), /a body without its header/],
  'a header without a message': [headerFrame(1), /a header without its method/],
  'a body longer than announced': [Buffer.concat([deliver(1, 1), frame(body, 1, Buffer.from('xx'))]), /longer than/],
}

for (const [what, [bytes, reason]] of Object.entries(broken)) {
  test(`${what} ends the session with the reason`, async t => {
    const peer = await Peer.start(t)
    const { promise, resolve } = Promise.withResolvers<Error>()
    const session = await peer.open(t, { lost: resolve })
    await peer.write(bytes)
    assert.match((await promise).message, reason)
    assert.equal(session.isOpen, false)
    await assert.rejects(session.prefetch(1), reason)
  })
}

test('confirmations settle one message or all up to one, and the rest fails with the connection', async t => {
  const peer = await Peer.start(t)
  const { promise, resolve } = Promise.withResolvers<Error>()
  const session = await peer.open(t, { lost: resolve })
  await session.confirmMessages()
  const outcomes: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    session.publish(place, encodeProperties({}), Buffer.from(name), error => {
      outcomes.push(`${name}: ${error === null ? 'delivered' : error.message}`)
    })
  }
  await peer.received(methods.basicPublish, 6)
  await peer.write(
    confirmed(2, false),
    confirmed(3, true),
    methodFrame(methods.basicNack, fields => fields.longLong(5).bits(false)),
    confirmed(5, false), // settled already
  )
  await peer.end()
  await promise
  const lost = 'the server closed the connection'
  assert.deepEqual(outcomes, [
    'b: delivered',
    'a: delivered',
    'c: delivered',
    'e: the server rejected it',
    `d: ${lost}`,
    `f: ${lost}`,
  ])
})

test('a body larger than a frame is sent in several, and properties larger than one are refused', async t => {
  const peer = await Peer.start(t, 4096)
  const session = await peer.open(t)
  await session.confirmMessages()
  const content = Buffer.alloc(10_000, 'abcdefg')
  const settled = new Promise<Error | null>(resolve =>
    session.publish(place, encodeProperties({ headers: { 'x-y': 1 } }), content, resolve),
  )
  assert.throws(
    () =>
      session.publish(place, encodeProperties({ headers: { long: 'x'.repeat(5000) } }), content, () => assert.fail()),
    /the properties have 5016 bytes; the server accepts at most 4076/,
  )
  await peer.received(methods.basicPublish)
  await peer.write(confirmed(1, false))
  assert.equal(await settled, null)
  const bodies = peer.sent.filter(({ type }) => type === body).map(({ payload }) => payload)
  assert.deepEqual(
    bodies.map(({ length }) => length),
    [4088, 4088, 1824],
  )
  assert.deepEqual(Buffer.concat(bodies), content)
  assert.equal(peer.sent.find(({ type }) => type === header)!.payload.readUInt32BE(8), content.length)
})

test('a returned message is reported before its confirmation', async t => {
  const peer = await Peer.start(t)
  const returned: Returned[] = []
  const session = await peer.open(t, { returned: message => void returned.push(message) })
  await session.confirmMessages()
  const settled = new Promise(resolve =>
    session.publish({ ...place, mandatory: true }, encodeProperties({}), Buffer.from('x'), () =>
      resolve(returned.length),
    ),
  )
  await peer.received(methods.basicPublish)
  await peer.write(
    methodFrame(methods.basicReturn, fields => fields.short(312).shortText('NO_ROUTE').shortText('e').shortText('k')),
    headerFrame(1),
    frame(body, 1, Buffer.from('x')),
    confirmed(1, false),
  )
  assert.equal(await settled, 1)
  assert.deepEqual(returned, [{ reason: 'NO_ROUTE', exchange: 'e', routingKey: 'k', content: Buffer.from('x') }])
})

test('a channel that the server closes fails calls and messages with its reason', async t => {
  const peer = await Peer.start(t)
  const session = await peer.open(t)
  await session.confirmMessages()
  const outcome = new Promise<Error | null>(resolve =>
    session.publish(place, encodeProperties({}), Buffer.from('x'), resolve),
  )
  const call = assert.rejects(session.consume('q', ''), { name: 'AmqpError', code: 404 })
  await peer.received(methods.basicConsume)
  await peer.write(
    methodFrame(methods.channelClose, fields => fields.short(404).shortText('NOT_FOUND - no queue').long(0)),
  )
  await call
  assert.equal((await outcome)?.message, 'Exception (404) Reason: "NOT_FOUND - no queue"')
  assert.equal(session.refusal?.code, 404)
  await peer.received(methods.channelCloseOk)
})

test('a silent server is lost after two intervals, and gets heartbeats until then', async t => {
  const clock = t.mock.timers // two real intervals would take 20 s
  clock.enable({ apis: ['setInterval'] })
  const peer = await Peer.start(t)
  const { promise, resolve } = Promise.withResolvers<Error>()
  await peer.open(t, { lost: resolve }, 10)
  clock.tick(5_000)
  clock.tick(5_000)
  while (!peer.sent.some(({ type }) => type === heartbeat)) await new Promise(setImmediate)
  for (let interval = 0; interval < 3; interval++) clock.tick(5_000)
  assert.match((await promise).message, /the server was silent for 20 s/)
})

test('closing does not wait for a server that is short of resources', async t => {
  const peer = await Peer.start(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  const session = await peer.open(t, { received: () => resolve(), lost: () => assert.fail('closed, not lost') })
  await peer.write(
    methodFrame(methods.connectionBlocked, fields => fields.shortText('memory'), 0),
    deliver(1, 0),
  )
  await promise
  await session.close()
  assert.equal(session.isOpen, false)
})

test('names longer than 255 bytes are refused', async t => {
  const session = await (await Peer.start(t)).open(t)
  await assert.rejects(session.consume('q'.repeat(256), ''), /has 256 bytes; AMQP allows at most 255/)
  assert.throws(
    () =>
      session.publish({ ...place, key: 'ü'.repeat(128) }, encodeProperties({}), Buffer.alloc(0), () => assert.fail()),
    /has 256 bytes/,
  )
  assert.equal(session.isOpen, true)
})

test('a sign-in that the server refuses rejects with its reason', async t => {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    socket.once('data', () =>
      socket.write(
        methodFrame(methods.connectionClose, fields => fields.short(403).shortText('ACCESS_REFUSED').long(0), 0),
      ),
    )
  })
  const port = await listen(server)
  t.after(() => server.close())
  const signIn = { user: null, virtualHost: '/', heartbeatSeconds: 0 }
  await assert.rejects(AmqpSession.open(connect(port, '127.0.0.1'), signIn, {}, t.signal), /ACCESS_REFUSED/)
})

test('tables keep their values', () => {
  const table: FieldTable = {
    text: 'ü',
    numbers: [0, -1, 127, 128, -129, 40_000, -40_000, 2 ** 31, -(2 ** 40), 0.5, 9_007_199_254_740_993n],
    inner: { yes: true, no: false, nothing: null },
    bytes: Buffer.from([0, 255]),
    time: new Date(1_700_000_000_000),
  }
  const { headers } = decodeProperties(new FieldReader(encodeProperties({ headers: table })))
  assert.deepEqual(headers, table)
})

test('types that only others write are read', () => {
  const values = {
    B: [0xff],
    U: [0xff, 0xfe],
    u: [0xff, 0xfe],
    i: [0xff, 0xff, 0xff, 0xfe],
    L: [0, 0, 0, 0, 0, 0, 0, 7],
    f: [0x3d, 0xcc, 0xcc, 0xcd],
    D: [2, 0, 0, 0x30, 0x39],
  }
  const entries = Object.entries(values).map(([type, bytes]) => [1, type.charCodeAt(0), type.charCodeAt(0), ...bytes])
  const size = Buffer.alloc(4)
  size.writeUInt32BE(entries.flat().length)
  const table = new FieldReader(Buffer.concat([size, Buffer.from(entries.flat())])).table()
  assert.deepEqual(table, { B: 255, U: -2, u: 65_534, i: 4_294_967_294, L: 7, f: 0.1, D: '123.45' })
})
