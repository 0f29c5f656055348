import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import amqp from 'amqplib'
import { openOwnRabbitMq, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'

const url = process.env['PENSTOCK_TEST_AMQP09']

if (url === undefined) test('AMQP 0.9.1 connectors', { skip: 'needs a server: npm run test:connectors -- amqp09' })
else await testAmqp(url)

async function testAmqp(address: string): Promise<void> {
  const port = Number(new URL(address).port)
  const at = (somePort: number) => [`amqp://guest:guest@127.0.0.1:${somePort}/`]
  const newName = () => `q-${randomUUID().slice(0, 8)}`
  const connection = await amqp.connect(address)
  const channel = await connection.createConfirmChannel()
  after(() => connection.close())
  const newQueue = async () => (await channel.assertQueue(newName())).queue
  const put = async (queue: string, ...texts: readonly string[]) => {
    for (const text of texts) channel.sendToQueue(queue, Buffer.from(text))
    await channel.waitForConfirms()
  }
  /** Removes and returns the messages now in a queue. */
  const drained = async (queue: string): Promise<readonly amqp.GetMessage[]> => {
    const found: amqp.GetMessage[] = []
    for (;;) {
      const message = await channel.get(queue, { noAck: true })
      if (message === false) return found
      found.push(message)
    }
  }

  const exists = async (queue: string) => {
    // A separate channel, because the server closes it if there is no such queue.
    const asking = await connection.createChannel()
    asking.on('error', () => undefined)
    try {
      await asking.checkQueue(queue)
      await asking.close()
      return true
    } catch {
      return false
    }
  }

  const cases: StreamCases = {
    port,
    keepsMetadata: true,
    // A requeued message returns to its old position only if nothing was delivered in the meantime.
    prepare: async id => void (await channel.assertQueue(id)),
    input: (queue, somePort) => ({ amqp_0_9: { urls: at(somePort), queue, prefetch_count: 50 } }),
    output: (queue, somePort) => ({ amqp_0_9: { urls: at(somePort), exchange: '', key: queue } }),
  }
  testStreams('amqp_0_9', cases)
  const openServer = () =>
    openOwnRabbitMq([], async (id, ownPort) => {
      const own = await amqp.connect(at(ownPort)[0]!)
      await (await own.createChannel()).assertQueue(id)
      await own.close()
    })
  const lasting = {
    ...cases,
    output: (queue: string, somePort: number) => ({
      amqp_0_9: { urls: at(somePort), exchange: '', key: queue, persistent: true },
    }),
  }
  testOutages('amqp_0_9', lasting, openServer)
  testFullServer('amqp_0_9', lasting, openServer)

  test('amqp_0_9: only delivered messages are acknowledged, in whatever order they are delivered', async () => {
    const queue = await newQueue()
    await put(queue, 'a', 'b', 'c', 'd', 'e', 'f')
    const input = { amqp_0_9: { urls: [address], queue, nack_reject_patterns: ['^drop it$'] } }
    const receiver = await Receiver.start(input)
    const [a, b, , d, e] = await Promise.all(Array.from({ length: 6 }, () => receiver.next()))
    for (const received of [d, a, e, b]) received!.answer()
    await receiver.close()
    assert.deepEqual((await drained(queue)).map(each => each.content.toString()).toSorted(), ['c', 'f'])

    // The last of a range that is settled as a whole may have been dropped before.
    await put(queue, 'a', 'b', 'c', 'd')
    const second = await Receiver.start(input)
    const [first, dropped, third] = await Promise.all(Array.from({ length: 4 }, () => second.next()))
    dropped!.answer(new Error('drop it'))
    first!.answer()
    third!.answer()
    await second.close()
    assert.deepEqual(
      (await drained(queue)).map(each => each.content.toString()),
      ['d'],
    )
    assert.deepEqual(second.log, ['Failed to send message to test_collect: drop it'])
  })

  test('amqp_0_9: properties and headers are sent and received as metadata', async () => {
    const queue = await newQueue()
    const own = { type: 'a/b', content_type: 'text/plain', correlation_id: 'c', reply_to: 'r', expiration: '60000' }
    const more = { message_id: '${! counter() }', app_id: 'app', user_id: 'guest', priority: '${! "7" }' }
    const sender = await Sender.start({
      amqp_0_9: {
        urls: [address],
        exchange: '',
        key: queue,
        persistent: true,
        metadata: { exclude_prefixes: ['own_'] },
        ...own,
        ...more,
      },
    })
    await sender.send({ text: 'x', metadata: { two_words: 'yes', own_secret: 'no' } })
    await sender.close()
    const receiver = await Receiver.start({ amqp_0_9: { urls: [address], queue, consumer_tag: 'me' } })
    const received = await receiver.next()
    received.answer()
    assert.deepEqual(Object.fromEntries(received.batch[0]!.metadata), {
      two_words: 'yes',
      amqp_content_type: 'text/plain',
      amqp_delivery_mode: '2',
      amqp_priority: '7',
      amqp_correlation_id: 'c',
      amqp_reply_to: 'r',
      amqp_expiration: '60000',
      amqp_message_id: '1',
      amqp_type: 'a.b',
      amqp_user_id: 'guest',
      amqp_app_id: 'app',
      amqp_consumer_tag: 'me',
      amqp_delivery_tag: '1',
      amqp_redelivered: 'false',
      amqp_routing_key: queue,
    })
    await receiver.close()
  })

  test('amqp_0_9: headers of every type become text, nested ones under joined names', async () => {
    const queue = await newQueue()
    const timestamp = { '!': 'timestamp', value: 1_700_000_000 }
    const decimal = { '!': 'decimal', value: { digits: 12_345, places: 2 } }
    const headers = { yes: true, half: 0.5, many: 12, inner: { 'a-b': 'c', list: ['x', 'y'] }, timestamp, decimal }
    channel.sendToQueue(queue, Buffer.from('x'), { headers, timestamp: 1_700_000_001 })
    const receiver = await Receiver.start({ amqp_0_9: { urls: [address], queue } })
    const received = await receiver.next()
    received.answer()
    const { metadata } = received.batch[0]!
    const texts = Object.fromEntries([...metadata].filter(([key]) => !key.startsWith('amqp_')))
    assert.deepEqual(texts, {
      yes: 'true',
      half: '0.5',
      many: '12',
      inner_a_b: 'c',
      inner_list_0: 'x',
      inner_list_1: 'y',
      timestamp: '2023-11-14T22:13:20Z',
      decimal: '123.45',
    })
    assert.equal(metadata.get('amqp_timestamp'), '1700000001')
    await receiver.close()
  })

  test('amqp_0_9: the input declares its queue and bindings, the output its exchanges', async () => {
    const [exchange, queue] = [newName(), newName()]
    const output = {
      urls: [address],
      exchange: '${! metadata("to") }',
      exchange_declare: { enabled: true, type: 'topic' },
    }
    const sender = await Sender.start({ amqp_0_9: { ...output, key: 'orders/new', mandatory: false } })
    await sender.send({ text: 'nobody listens yet', metadata: { to: exchange } })
    const receiver = await Receiver.start({
      amqp_0_9: {
        urls: [address],
        queue,
        queue_declare: { enabled: true, durable: false, auto_delete: true },
        bindings_declare: [{ exchange, key: 'orders.*' }],
      },
    })
    while (!(await exists(queue))) await new Promise(resolve => setTimeout(resolve, 20))
    await sender.send({ text: 'arrives', metadata: { to: exchange } })
    assert.deepEqual(await receiver.collectDistinct(1), ['arrives'])
    await receiver.close()
    await sender.close()
  })

  test('amqp_0_9: a mandatory message that reaches no queue fails, and no other does', async () => {
    const queue = await newQueue()
    const key = '${! if content() == "lost" { "nowhere" } else { "QUEUE" } }'.replace('QUEUE', queue)
    const sender = await Sender.start({ amqp_0_9: { urls: [address], exchange: '', key, mandatory: true } })
    await Promise.all([
      sender.send('one'),
      assert.rejects(sender.send('lost'), /failed to receive acknowledgement: NO_ROUTE/),
      assert.rejects(sender.send('lost'), /NO_ROUTE/),
      sender.send('two'),
    ])
    await sender.close()
    assert.deepEqual((await drained(queue)).map(({ content }) => String(content)).toSorted(), ['one', 'two'])
  })

  test('amqp_0_9: a missing exchange fails the message, and the output continues', async () => {
    const queue = await newQueue()
    const exchange = '${! if content() == "lost" { "no-such-exchange" } else { "" } }'
    const sender = await Sender.start({ amqp_0_9: { urls: [address], exchange, key: queue } })
    await assert.rejects(sender.send('lost'), /NOT_FOUND - no exchange 'no-such-exchange'/)
    await sender.send('arrives')
    await sender.close()
    assert.equal((await drained(queue)).length, 1)
  })

  test('amqp_0_9: an invalid priority fails its message', async () => {
    const queue = await newQueue()
    const sender = await Sender.start({
      amqp_0_9: { urls: [address], exchange: '', key: queue, priority: '${! content() }' },
    })
    await assert.rejects(sender.send('10'), /must be <= 9 and >= 0, got 10/)
    await assert.rejects(sender.send('high'), /failed to parse valid integer from priority expression/)
    await sender.send('9')
    await sender.close()
  })

  test('amqp_0_9: errors that match a pattern reject a message, others requeue it', async () => {
    const [queue, dead] = [newName(), await newQueue()]
    await channel.assertQueue(queue, { deadLetterExchange: '', deadLetterRoutingKey: dead })
    await put(queue, 'poison', 'later')
    const receiver = await Receiver.start({
      amqp_0_9: { urls: [address], queue, nack_reject_patterns: ['^reject me: .+$'] },
    })
    const first = await receiver.next()
    first.answer(new Error('reject me: bad'))
    const second = await receiver.next()
    assert.deepEqual(second.texts, ['later'])
    second.answer(new Error('not now'))
    const third = await receiver.next()
    assert.deepEqual(third.texts, ['later'])
    assert.equal(third.batch[0]!.metadata.get('amqp_redelivered'), 'true')
    third.answer()
    await receiver.close()
    assert.deepEqual(
      (await drained(dead)).map(({ content }) => String(content)),
      ['poison'],
    )
  })

  test('amqp_0_9: with auto_ack nothing is redelivered', async () => {
    const queue = await newQueue()
    await put(queue, 'once')
    const receiver = await Receiver.start({ amqp_0_9: { urls: [address], queue, auto_ack: true } })
    const received = await receiver.next()
    received.answer(new Error('too late'))
    await receiver.close()
    assert.deepEqual(await drained(queue), [])
  })

  test('amqp_0_9: a missing queue, a wrong password and an unreachable server are reported', async () => {
    const wrong = address.replace('guest:guest', 'guest:wrong')
    const cases: readonly (readonly [string, string, string])[] = [
      [address, 'no-such-queue', "NOT_FOUND - no queue 'no-such-queue'"],
      [wrong, 'x', 'ACCESS_REFUSED'],
      [`${address}no-such-host`, 'x', "no access to the virtual host 'no-such-host'"],
      ['amqp://127.0.0.1:1/', 'x', 'connection refused'],
    ]
    for (const [from, queue, reason] of cases) {
      const receiver = await Receiver.start({ amqp_0_9: { urls: [from], queue } })
      await until(rig, () => receiver.log.some(line => line.includes(reason)), reason)
      await receiver.close()
    }
  })

  test('amqp_0_9: a queue that is deleted is waited for', async () => {
    const queue = await newQueue()
    const receiver = await Receiver.start({ amqp_0_9: { urls: ['amqp://127.0.0.1:1/', address], queue } })
    await put(queue, 'before')
    assert.deepEqual(await receiver.collectDistinct(1), ['before'])
    await channel.deleteQueue(queue)
    await until(rig, () => receiver.log.some(line => line.includes('NOT_FOUND')), 'the loss is noticed')
    await channel.assertQueue(queue)
    await put(queue, 'after')
    assert.deepEqual(await receiver.collectDistinct(1), ['after'])
    await receiver.close()
  })

  const sent = bodies(25)
  inputContract('amqp_0_9', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const queue = await newQueue()
      const proxy = await startTcpProxy(port)
      await put(queue, ...sent)
      const config = `{ amqp_0_9: { urls: [ 'amqp://127.0.0.1:${proxy.port}' ], queue: ${queue} } }`
      return { config, bodies: sent, cut: () => proxy.cut(), close: () => proxy.close() }
    },
  })

  outputContract('amqp_0_9', rig, {
    inFlight: 'many',
    without: { hold: 'the server confirms at once' },
    async open() {
      const queue = await newQueue()
      const proxy = await startTcpProxy(port)
      const key = `\${! if content() == "poison" { throw("no") } else { "${queue}" } }`
      const found: string[] = []
      return {
        config: (maxInFlight = 64) =>
          `{ amqp_0_9: { urls: [ 'amqp://127.0.0.1:${proxy.port}' ], exchange: '', key: '${key}', max_in_flight: ${maxInFlight} } }`,
        poison: 'poison',
        async delivered() {
          for (const { content } of await drained(queue)) found.push(String(content))
          return found
        },
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}
