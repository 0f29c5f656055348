// Cases for every pair of an input and an output of the same service, run against the real server. They follow the
// original's generic integration suite.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test as defineTest } from 'node:test'
import { startTcpProxy } from '../servers/tcp-proxy.ts'
import { type ComponentBody, Receiver, Sender } from './streams.ts'

export interface StreamCases {
  /** The loopback port of the server. */
  readonly port: number
  /** The input under test. `id` names a queue, topic, key … that is unique to each case. */
  input(id: string, port: number): ComponentBody
  output(id: string, port: number): ComponentBody
  /** Additional configuration that they need, such as resources, at a port. */
  more?(port: number): ComponentBody
  /** Creates what inputs and outputs expect to exist. */
  prepare?(id: string): Promise<void>
  /**
   * Whether the source forgets what it handed out, so that nothing is redelivered after a stop or a lost connection.
   */
  readonly forgets?: boolean
  /** Whether messages only reach subscribers that are connected when they are sent. */
  readonly broadcasts?: boolean
  /** Whether messages that are sent in sequence may arrive in another order. */
  readonly unordered?: boolean
  /** Whether the client discovers its servers through the port, so that a proxy in front of it would be bypassed. */
  readonly discovers?: boolean
  /** Whether the service rejects characters that are invalid in XML. */
  readonly narrowText?: boolean
  /** Whether metadata is sent along. */
  readonly keepsMetadata?: boolean
}

/** Nothing here waits for long, so a test that takes this long waits for something that never happens. */
const timeoutMs = 240_000
const test = (name: string, run: () => Promise<void>): void => void defineTest(name, { timeout: timeoutMs }, run)

const texts = (count: number, word = 'message') => Array.from({ length: count }, (_, index) => `${word} ${index}`)

/** Registers the tests of one pair. `name` begins the name of each. */
export function testStreams(name: string, cases: StreamCases): void {
  const { port } = cases
  const newId = async () => {
    const id = `t-${randomUUID().slice(0, 8)}`
    await cases.prepare?.(id)
    return id
  }

  /** Starts both ends, the input first; for broadcasts it waits until something arrives. */
  const open = async (id: string, inputPort = port, outputPort = port) => {
    const receiver = await Receiver.start(cases.input(id, inputPort), cases.more?.(inputPort))
    const sender = await Sender.start(cases.output(id, outputPort), cases.more?.(outputPort))
    if (cases.broadcasts === true) await untilListening(sender, receiver)
    return {
      sender,
      receiver,
      async close() {
        await sender.close()
        await receiver.close()
      },
    }
  }

  test(`${name}: messages arrive in order`, async () => {
    const { sender, receiver, close } = await open(await newId())
    const sent = texts(50)
    for (const text of sent) await sender.send(text)
    const received = await receiver.collectDistinct(sent.length)
    assert.deepEqual(
      cases.unordered === true ? received.toSorted() : received,
      cases.unordered === true ? sent.toSorted() : sent,
    )
    await close()
  })

  test(`${name}: all messages of batches arrive`, async () => {
    const { sender, receiver, close } = await open(await newId())
    await sender.send(...texts(20, 'first'))
    await sender.send(...texts(20, 'second'))
    const received = await receiver.collectDistinct(40)
    assert.deepEqual(received.toSorted(), [...texts(20, 'first'), ...texts(20, 'second')].toSorted())
    await close()
  })

  test(`${name}: bytes that are not valid text arrive unchanged`, async () => {
    const { sender, receiver, close } = await open(await newId())
    const text = `naïve ☃ ${cases.narrowText === true ? '' : '\u0000 \u0001 '}"quoted"\nnext line`
    await sender.send(text)
    const received = await receiver.next()
    assert.equal(received.texts[0], text)
    received.answer()
    await close()
  })

  test(`${name}: concurrent messages all arrive once`, async () => {
    const { sender, receiver, close } = await open(await newId())
    const sent = texts(500)
    const sending = Promise.all(sent.map(text => sender.send(text)))
    const received = await receiver.collectDistinct(sent.length)
    await sending
    assert.deepEqual(received.toSorted(), sent.toSorted())
    await close()
  })

  test(`${name}: a rejected message is redelivered`, async () => {
    const { sender, receiver, close } = await open(await newId())
    await sender.send('refused')
    const first = await receiver.next()
    first.answer(new Error('not now'))
    const second = await receiver.next()
    assert.deepEqual(second.texts, first.texts)
    second.answer()
    await close()
  })

  test(`${name}: acknowledged messages are not redelivered after a restart`, async () => {
    if (cases.broadcasts === true) return
    const id = await newId()
    const { sender, receiver, close } = await open(id)
    for (const text of texts(10)) await sender.send(text)
    await receiver.collectDistinct(10)
    await close()
    const again = await open(id)
    await again.sender.send('later')
    assert.deepEqual(await again.receiver.collectDistinct(1), ['later'])
    await again.close()
  })

  if (cases.forgets !== true) {
    test(`${name}: messages unacknowledged when the stream stopped are redelivered after a restart`, async () => {
      const id = await newId()
      const { sender, receiver, close } = await open(id)
      for (const text of texts(10)) await sender.send(text)
      const received = []
      for (let i = 0; i < 10; i++) received.push(await receiver.next())
      const [acknowledged, open9] = [received.slice(5), received.slice(0, 5)]
      for (const each of acknowledged) each.answer()
      await close()
      const again = await open(id)
      const wanted = open9.flatMap(each => each.texts)
      const seen = await again.receiver.collect(seen => wanted.every(text => seen.includes(text)))
      assert.ok(wanted.every(text => seen.includes(text)))
      await again.close()
    })
  }

  if (cases.discovers !== true) testReconnecting()
  if (cases.keepsMetadata === true) testMetadata()

  function testReconnecting(): void {
    test(`${name}: streams recover after their connections are cut`, async () => {
      const proxy = await startTcpProxy(port)
      const id = await newId()
      const { sender, receiver, close } = await open(id, cases.forgets === true ? port : proxy.port, proxy.port)
      const sent = texts(30)
      const collected = receiver.collectDistinct(sent.length)
      for (const [index, text] of sent.entries()) {
        if (index % 10 === 5) proxy.cut()
        await sender.send(text)
      }
      assert.deepEqual([...new Set(await collected)].toSorted(), sent.toSorted())
      await close()
      await proxy.close()
    })

    test(`${name}: an output waits for an unreachable server, and loses nothing`, async () => {
      const proxy = await startTcpProxy(port)
      const { sender, receiver, close } = await open(await newId(), port, proxy.port)
      await sender.send('before')
      proxy.cut({ refuse: true })
      const sending = Promise.all(texts(5).map(text => sender.send(text)))
      proxy.restore()
      const received = await receiver.collectDistinct(6)
      await sending
      assert.deepEqual([...new Set(received)].toSorted(), ['before', ...texts(5)])
      await close()
      await proxy.close()
    })
  }

  function testMetadata(): void {
    test(`${name}: metadata is sent with its message`, async () => {
      const { sender, receiver, close } = await open(await newId())
      await sender.send({ text: 'x', metadata: { colour: 'blue', size: '7' } })
      const received = await receiver.next()
      const { metadata } = received.batch[0]!
      assert.deepEqual([metadata.get('colour'), metadata.get('size')], ['blue', '7'])
      received.answer()
      await close()
    })
  }
}

/** Sends until something arrives, which is when the subscription is in effect. */
async function untilListening(sender: Sender, receiver: Receiver): Promise<void> {
  let sent = 0
  let hears = false
  const first = receiver.next().then(received => {
    hears = true
    received.answer()
  })
  for (; !hears; sent++) {
    await sender.send('are you there?')
    await Promise.race([first, new Promise(resolve => setTimeout(resolve, 20))])
  }
  await first
  // The messages sent after the first that was received.
  await sender.send('last of them')
  await receiver.collect(seen => seen.includes('last of them'))
}
