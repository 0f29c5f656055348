import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import process from 'node:process'
import { after, test as defineTest, type TestContext } from 'node:test'
import { TLSSocket } from 'node:tls'
import amqp from 'amqplib'
import rhea, { type Message } from 'rhea'
import { openOwnRabbitMq, testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { makeAuthority } from '../../../test/servers/certificates.ts'
import { listen } from '../../../test/servers/ports.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { AmqpServer, Peer } from './peer.suite.ts'

const url = process.env['PENSTOCK_TEST_AMQP1']

/** Nothing here waits for long. */
const test = (name: string, run: (context: TestContext) => Promise<void>) =>
  void defineTest(name, { timeout: 60_000 }, run)

if (url === undefined) defineTest('AMQP 1.0 connectors', { skip: 'needs a server: npm run test:connectors -- amqp1' })
else await testAmqp(url)

async function testAmqp(address: string): Promise<void> {
  const tlsAddress = process.env['PENSTOCK_TEST_AMQP1_TLS']!
  const authority = process.env['PENSTOCK_TEST_AMQP1_CA']!
  const port = Number(new URL(address).port)
  const at = (somePort: number) => [`amqp://guest:guest@127.0.0.1:${somePort}/`]
  const newQueue = () => `/queue/q-${randomUUID().slice(0, 8)}`
  const peer = await Peer.connect(port)
  // The contents of a queue can only be read over AMQP 0.9.1.
  const connection = await amqp.connect(address)
  const channel = await connection.createChannel()
  after(async () => {
    peer.close()
    await connection.close()
  })
  /** Removes and returns the bodies of the messages now in a queue. */
  const drained = async (queue: string): Promise<readonly string[]> => {
    const found: string[] = []
    for (;;) {
      const message = await channel.get(queue.replace('/queue/', ''), { noAck: true })
      if (message === false) return found
      found.push(String(message.content))
    }
  }

  const cases: StreamCases = {
    port,
    keepsMetadata: true,
    input: (id, somePort) => ({ amqp_1: { urls: at(somePort), source_address: `/queue/${id}` } }),
    output: (id, somePort) => ({ amqp_1: { urls: at(somePort), target_address: `/queue/${id}` } }),
  }
  testStreams('amqp_1', cases)
  // A full server cannot be tested: the plug-in keeps accepting messages.
  testOutages('amqp_1', cases, () => openOwnRabbitMq(['rabbitmq_amqp1_0']))

  test('amqp_1: properties, the header and annotations that are text are metadata', async () => {
    const queue = newQueue()
    await peer.send(queue, {
      body: rhea.message.data_section(Buffer.from('x')),
      durable: true,
      priority: 7,
      ttl: 90_000,
      content_type: 'text/plain',
      content_encoding: 'gzip',
      creation_time: new Date('2026-01-02T03:04:05Z'),
      to: '/somewhere',
      message_annotations: { 'x-opt-kind': 'new', 'x-opt-number': 7, amqp_to: 'annotated' },
    })
    const receiver = await Receiver.start({ amqp_1: { urls: [address], source_address: queue, read_header: true } })
    const received = await receiver.next()
    received.answer()
    await receiver.close()
    assert.deepEqual(Object.fromEntries(received.batch[0]!.metadata), {
      amqp_content_type: 'text/plain',
      amqp_content_encoding: 'gzip',
      amqp_creation_time: '2026-01-02T03:04:05Z',
      amqp_to: 'annotated',
      amqp_durable: 'true',
      amqp_priority: '7',
      amqp_ttl: '1m30s',
      amqp_first_acquirer: 'true',
      amqp_delivery_count: '0',
      x_opt_kind: 'new',
    })
  })

  test('amqp_1: a body of any type becomes a message', async () => {
    const queue = newQueue()
    const { sequence_section: sequence } = rhea.message
    const date = new Date('2026-01-02T03:04:05.678Z')
    await peer.send(
      queue,
      { body: 'text' },
      { body: rhea.types.wrap_binary(Buffer.from('bytes')) },
      { body: { number: 7, list: [true, null, 0.5], date, typecode: 1, content: 'x' } },
      { body: sequence([1, 'two']) },
      { body: -3 },
      { body: null },
    )
    const receiver = await Receiver.start({ amqp_1: { urls: [address], source_address: queue } })
    const document = '{"content":"x","date":"2026-01-02T03:04:05.678Z","list":[true,null,0.5],"number":7,"typecode":1}'
    const received = []
    for (let i = 0; i < 6; i++) {
      const each = await receiver.next()
      each.answer()
      received.push(each.texts[0])
    }
    await receiver.close()
    assert.deepEqual(received, ['text', 'bytes', document, '[1,"two"]', '-3', ''])
  })

  test('amqp_1: metadata becomes annotations, a mapping application properties', async () => {
    const queue = newQueue()
    const mapping = `root.text = @kind
root.int = 7
root.half = 0.5
root.big = 9223372036854775807
root.no = false
root.parsed = this.n
root.bytes = "é".bytes().length()
root.__proto__ = "own"`
    const sender = await Sender.start({
      amqp_1: {
        urls: [address],
        target_address: queue,
        application_properties_map: mapping,
        metadata: { exclude_prefixes: ['own_'] },
      },
    })
    await sender.send({ text: '{"n":-300}', metadata: { kind: 'new', own_secret: 'no' } })
    await sender.close()
    const [message] = await peer.receive(queue, 1)
    assert.equal(String(message!.body.content), '{"n":-300}')
    assert.equal(message!.message_annotations!['kind'], 'new')
    assert.equal(message!.message_annotations!['own_secret'], undefined)
    const { big, ...properties } = message!.application_properties!
    assert.deepEqual(properties, { text: 'new', int: 7, half: 0.5, no: false, parsed: -300, bytes: 2 })
    assert.equal(big.readBigInt64BE(), 9223372036854775807n)
  })

  test('amqp_1: application properties that are not an object fail only their own message', async () => {
    const queue = newQueue()
    const sender = await Sender.start({
      amqp_1: {
        urls: [address],
        target_address: queue,
        application_properties_map: 'root = if this.ok { deleted() } else { [ 1 ] }',
      },
    })
    await Promise.all([
      sender.send('{"ok":true}'),
      assert.rejects(sender.send('{"ok":false}'), /application_properties_map resulted in a non-object mapping: array/),
      sender.send('{"ok":true}'),
    ])
    await sender.close()
    assert.deepEqual(await drained(queue), ['{"ok":true}', '{"ok":true}'])
  })

  test('amqp_1: a message that the server rejects fails with the reason, and no other does', async context => {
    // RabbitMQ 3 accepts everything, or does not respond at all.
    const server = await AmqpServer.start(context)
    server.decide = body => {
      switch (body) {
        case 'rejected':
          return delivery => delivery.reject({ condition: 'amqp:not-allowed', description: 'no such kind' })
        case 'released':
          return delivery => delivery.release()
        case 'modified':
          return delivery => delivery.modified({ delivery_failed: true })
        default:
          return delivery => delivery.accept()
      }
    }
    const sender = await Sender.start({ amqp_1: { urls: [server.url], target_address: 'q' } })
    await Promise.all([
      sender.send('one'),
      assert.rejects(sender.send('rejected'), /the server rejected the message: amqp:not-allowed: no such kind/),
      assert.rejects(sender.send('released'), /the server gave the message back \(released\)/),
      assert.rejects(sender.send('modified'), /the server gave the message back \(modified\)/),
      sender.send('two'),
    ])
    await sender.close()
    assert.equal(server.connections, 1)
  })

  test('amqp_1: a message larger than the server accepts fails, and the output continues', async context => {
    const server = await AmqpServer.start(context, { max_message_size: 1000 })
    const sender = await Sender.start({ amqp_1: { urls: [server.url], target_address: 'q' } })
    await assert.rejects(
      sender.send('x'.repeat(1000)),
      /the message has 1\d{3} bytes with its annotations, and the server takes 1000/,
    )
    await sender.send('small')
    await sender.close()
    assert.equal(server.connections, 1)
  })

  test('amqp_1: a rejected message is settled as modified if the server supports it, and redelivered', async context => {
    const server = await AmqpServer.start(context)
    server.put('q', { body: 'x' })
    const receiver = await Receiver.start({ amqp_1: { urls: [server.url], source_address: 'q', read_header: true } })
    const first = await receiver.next()
    first.answer(new Error('not now'))
    const second = await receiver.next()
    assert.deepEqual(
      [first, second].map(({ batch }) => batch[0]!.metadata.get('amqp_delivery_count')),
      ['0', '1'],
    )
    second.answer()
    await receiver.close()
    assert.deepEqual(server.outcomes, ['modified', 'accepted'])
  })

  test('amqp_1: messages settled together have individual outcomes', async context => {
    const server = await AmqpServer.start(context)
    for (const body of ['accepted', 'refused', 'accepted too']) server.put('q', { body })
    const receiver = await Receiver.start({ amqp_1: { urls: [server.url], source_address: 'q' } })
    const received = [await receiver.next(), await receiver.next(), await receiver.next()]
    for (const each of received) each.answer(each.texts[0] === 'refused' ? new Error('not now') : undefined)
    const again = await receiver.next()
    assert.deepEqual(again.texts, ['refused'])
    again.answer()
    await receiver.close()
    assert.deepEqual(server.outcomes.toSorted(), ['accepted', 'accepted', 'accepted', 'modified'])
  })

  test('amqp_1: no more messages are in flight than the credit allows', async context => {
    const server = await AmqpServer.start(context)
    for (let i = 0; i < 20; i++) server.put('q', { body: String(i) })
    const receiver = await Receiver.start({ amqp_1: { urls: [server.url], source_address: 'q', credit: 3 } })
    let seen = 0
    for (; seen < 20; seen++) {
      const received = await receiver.next()
      // Anything sent too early arrives within this time.
      await new Promise(resolve => setTimeout(resolve, seen === 0 ? 200 : 5))
      const open = receiver.receivedCount - seen
      assert.ok(open <= 3, `${open} are under way`)
      received.answer()
    }
    await receiver.close()
    assert.equal(seen, 20)
  })

  test('amqp_1: locks at Azure Service Bus are renewed while a message is in flight', async context => {
    const server = await AmqpServer.start(context)
    const requests: Message[] = []
    const { types } = rhea
    server.manage = request => {
      requests.push(request)
      const until = new Date(Date.now() + 500)
      return {
        application_properties: { statusCode: types.wrap_int(200), statusDescription: 'OK' },
        body: { expirations: types.wrap_array([until], 0x83, undefined) },
      }
    }
    const locked = { 'x-opt-locked-until': new Date(Date.now() + 500) }
    server.put('q', { body: 'x', message_annotations: locked }, '00112233445566778899aabbccddeeff')
    const receiver = await Receiver.start({
      amqp_1: { urls: [server.url], source_address: 'q', azure_renew_lock: true },
    })
    const received = await receiver.next()
    await until(rig, () => requests.length >= 2, 'the lock is renewed twice')
    received.answer()
    const answered = requests.length
    await new Promise(resolve => setTimeout(resolve, 1000))
    assert.equal(requests.length, answered)
    await receiver.close()
    const { application_properties: properties, body } = requests[0]!
    assert.deepEqual(properties, { operation: 'com.microsoft:renew-lock' })
    // .NET stores the first three groups of a GUID in reverse byte order.
    assert.deepEqual(
      body['lock-tokens'].map((token: Buffer) => token.toString('hex')),
      ['33221100554477668899aabbccddeeff'],
    )
    assert.deepEqual(receiver.log, [])
  })

  test('amqp_1: a lock that cannot be renewed is reported, and the message continues', async context => {
    const server = await AmqpServer.start(context)
    server.manage = () => ({ application_properties: { statusCode: 410, statusDescription: 'the lock is lost' } })
    server.put('q', { body: 'no lock' }, '00')
    const soon = { 'x-opt-locked-until': new Date() }
    server.put('q', { body: 'lost', message_annotations: soon }, '00112233445566778899aabbccddeeff')
    const receiver = await Receiver.start({
      amqp_1: { urls: [server.url], source_address: 'q', azure_renew_lock: true },
    })
    const received = [await receiver.next(), await receiver.next()]
    await until(rig, () => receiver.log.length === 2, 'both are reported')
    for (const each of received) each.answer()
    await receiver.close()
    assert.deepEqual(receiver.log, [
      'Unable to renew lock err: missing x-opt-locked-until annotation in received message',
      'Unable to renew lock err: unsuccessful status code 410, message the lock is lost',
    ])
    assert.deepEqual(server.outcomes, ['accepted', 'accepted'])
  })

  test('amqp_1: the first server that accepts is used, by any form of its address', async () => {
    const queue = newQueue()
    const [here] = at(port)
    for (const where of [
      { urls: ['amqp://127.0.0.1:1/', here] },
      { urls: [` amqp://127.0.0.1:1, ${here} `] },
      { url: here },
      { url: 'amqp://127.0.0.1:1', urls: [here] },
    ]) {
      const sender = await Sender.start({ amqp_1: { ...where, target_address: queue } })
      await sender.send('x')
      await sender.close()
    }
    assert.equal((await drained(queue)).length, 4)
  })

  test('amqp_1: a client authenticates by the URL or by sasl, which takes precedence', async context => {
    const server = await AmqpServer.start(context)
    const open = server.url.replace('amqp://', '')
    const works = async (options: object) => {
      const sender = await Sender.start({ amqp_1: { target_address: 'q', ...options } })
      await sender.send('x')
      await sender.close()
      return server.users.at(-1)
    }
    // The test server requires the user ü with the password ß.
    const [right, wrong] = [`amqp://%C3%BC:%C3%9F@${open}`, `amqp://u:p@${open}`]
    const plain = { mechanism: 'plain', user: 'ü', password: 'ß' }
    assert.equal(await works({ urls: [right] }), 'ü')
    assert.equal(await works({ urls: [right], sasl: { mechanism: 'none', user: 'x' } }), 'ü')
    assert.equal(await works({ urls: [wrong], sasl: plain }), 'ü')
    assert.equal(await works({ urls: [wrong], sasl: { mechanism: 'anonymous' } }), 'anonymous')
    assert.equal(await works({ urls: [server.url] }), undefined)
  })

  test('amqp_1: the reason why a client cannot read its queue is reported', async () => {
    const cases: readonly (readonly [object, RegExp])[] = [
      [
        { urls: [address.replace('guest:guest', 'guest:wrong')] },
        /amqp:unauthorized-access: Failed to authenticate: 1/,
      ],
      [{ urls: ['amqp://127.0.0.1:1/'] }, /connection refused/],
      [{ urls: ['amqp://no-such-host.invalid/'] }, /no such host|EAI_AGAIN/],
      [
        { urls: at(port), source_address: '/amq/queue/no-such-queue' },
        /amqp:not-found: NOT_FOUND - no queue 'no-such-queue'/,
      ],
      [{ urls: at(port), source_address: '/nonsense' }, /amqp:invalid-field/],
      [{ urls: at(port), sasl: { mechanism: 'plain', user: 'nobody' } }, /Failed to authenticate/],
      [{ urls: at(port), tls: { enabled: true } }, /the server does not agree on TLS at amqp:\/\//],
      [{ urls: [address.replace('amqp:', 'amqps:')] }, /first record does not look like a TLS handshake/],
      [{ urls: [tlsAddress] }, /unknown authority/],
    ]
    for (const [options, reason] of cases) {
      const receiver = await Receiver.start({ amqp_1: { source_address: newQueue(), ...options } })
      try {
        await until(rig, () => receiver.log.length > 0, `${reason}`)
        assert.match(receiver.log[0]!, reason)
      } finally {
        await receiver.close()
      }
    }
  })

  test('amqp_1: connections are encrypted, on a TLS port or by negotiation', async context => {
    const agreeing = await startAgreeingServer(context, port)
    const tls = { enabled: true, root_cas_file: authority }
    for (const [where, security] of [
      [tlsAddress, tls],
      [tlsAddress, { enabled: true, skip_cert_verify: true }],
      [`amqp://guest:guest@localhost:${agreeing}/`, { ...tls, skip_cert_verify: true }],
    ] as const) {
      const queue = newQueue()
      const sender = await Sender.start({ amqp_1: { urls: [where], target_address: queue, tls: security } })
      await sender.send('secret')
      const receiver = await Receiver.start({ amqp_1: { urls: [where], source_address: queue, tls: security } })
      assert.deepEqual(await receiver.collectDistinct(1), ['secret'])
      await receiver.close()
      await sender.close()
    }
  })

  test('amqp_1: a server that speaks another protocol is reported, and retried', async () => {
    const answers: readonly (readonly [string | Buffer, RegExp])[] = [
      ['HTTP/1.1 400 Bad Request\r\n\r\n', /Invalid protocol header for AMQP: 48545450/],
      ['AMQP\0\0\u0009\u0001', /Unsupported AMQP version: 0-9-1/],
      [
        Buffer.from([...Buffer.from('AMQP\0\u0001\0\0'), 0x7f, 0xff, 0xff, 0xff, 2, 0, 0, 0]),
        /announced a frame of 2147483647 bytes/,
      ],
      [
        Buffer.from([...Buffer.from('AMQP\0\u0001\0\0'), 0, 0, 0, 0, 0, 0, 0, 0]),
        /sent what cannot be read: Attempt to access memory/,
      ],
      [
        Buffer.from([...Buffer.from('AMQP\0\u0001\0\0'), 0, 0, 0, 12, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        /Unrecognised typecode: ff/,
      ],
      ['', /the server closed the connection/],
    ]
    for (const [answer, reason] of answers) {
      const server = createServer(socket => {
        socket.on('error', () => undefined)
        if (answer === '') socket.end()
        else socket.write(answer)
      })
      const at = `amqp://127.0.0.1:${await listen(server)}/`
      const receiver = await Receiver.start({ amqp_1: { urls: [at], source_address: 'q' } })
      await until(rig, () => receiver.log.length >= 2, `${String(answer)} is reported twice`)
      await receiver.close()
      server.close()
      assert.match(receiver.log[0]!, reason)
    }
  })

  const sent = bodies(25)
  const open = async (texts: readonly string[]) => {
    const queue = newQueue()
    const proxy = await startTcpProxy(port)
    await peer.send(queue, ...texts.map(text => ({ body: text })))
    const config = `{ amqp_1: { urls: [ '${at(proxy.port)[0]}' ], source_address: ${queue} } }`
    return { config, bodies: texts, cut: () => proxy.cut(), close: () => proxy.close() }
  }
  inputContract('amqp_1', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    open: () => open(sent),
    plenty: open,
  })

  outputContract('amqp_1', rig, {
    inFlight: 'many',
    without: { hold: 'the server accepts at once' },
    async open() {
      const queue = newQueue()
      const proxy = await startTcpProxy(port)
      const found: string[] = []
      const mapping = `root = if content() == "poison" { throw("no") } else { {} }`
      return {
        config: (maxInFlight = 64) =>
          `{ amqp_1: { urls: [ '${at(proxy.port)[0]}' ], target_address: ${queue}, application_properties_map: '${mapping}', max_in_flight: ${maxInFlight} } }`,
        poison: 'poison',
        async delivered() {
          found.push(...(await drained(queue)))
          return found
        },
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}

/** Starts a server that negotiates TLS as the standard says, in front of one that does not; returns its port. */
async function startAgreeingServer(context: TestContext, targetPort: number): Promise<number> {
  const { cert, key } = await (await makeAuthority()).issue('localhost')
  const header = Buffer.from('AMQP\u0002\u0001\0\0')
  const server = createServer(socket => {
    socket.once('data', data => {
      assert.deepEqual(data, header)
      socket.write(header)
      const secured = new TLSSocket(socket, { isServer: true, cert, key })
      const target = connect(targetPort, '127.0.0.1')
      secured.pipe(target).pipe(secured)
      for (const each of [secured, target]) each.on('error', () => socket.destroy())
    })
  })
  context.after(() => once(server.close(), 'close'))
  return await listen(server)
}
