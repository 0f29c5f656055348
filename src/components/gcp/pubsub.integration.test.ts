import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { emulatorClient, subscriberOf } from './pubsub-client.ts'

const address = process.env['PENSTOCK_TEST_PUBSUB']

if (address === undefined) test('Pub/Sub', { skip: 'needs a server: npm run test:connectors -- gcp' })
else await testPubsub(address, Number(new URL(address).port))

async function testPubsub(endpoint: string, port: number): Promise<void> {
  const project = 'test'
  const client = await emulatorClient(project, endpoint)
  after(() => client.close())
  const newId = () => `t-${randomUUID().slice(0, 8)}`
  const newTopic = async (id = newId(), ordered = false) => {
    await client.createTopic(id)
    await client.createSubscription(id, id, { enableMessageOrdering: ordered, ackDeadlineSeconds: 10 })
    return id
  }
  const own = (ownPort = port) => ({ project, endpoint: `http://127.0.0.1:${ownPort}` })
  const logged = async (stream: { readonly log: readonly string[] }, pattern: RegExp) => {
    while (!pattern.test(stream.log.join('\n'))) await sleep(20)
  }

  for (const sync of [false, true]) {
    const name = sync ? 'gcp_pubsub by single requests' : 'gcp_pubsub'
    const cases: StreamCases = {
      port,
      prepare: async id => void (await newTopic(id)),
      input: (id, inputPort) => ({ gcp_pubsub: { ...own(inputPort), subscription: id, sync } }),
      output: (id, outputPort) => ({ gcp_pubsub: { ...own(outputPort), topic: id } }),
      unordered: true,
      keepsMetadata: true,
    }
    testStreams(name, cases)
    // The server loses its state when it stops.
    testOutages(name, {
      ...cases,
      // The tests wait for the first error, which comes after this time: until then the library retries silently.
      output: (id, outputPort) => ({ gcp_pubsub: { ...own(outputPort), topic: id, publish_timeout: '2s' } }),
    })

    test(`gcp_pubsub: no more messages are in flight than configured${sync ? ', with synchronous pull' : ''}`, async () => {
      const id = await newTopic()
      const sender = await Sender.start({ gcp_pubsub: { ...own(), topic: id } })
      await sender.send('1', '2', '3', '4', '5')
      const receiver = await Receiver.start({
        gcp_pubsub: { ...own(), subscription: id, sync, max_outstanding_messages: 2 },
      })
      const held = [await receiver.next(), await receiver.next()]
      await sleep(300)
      assert.equal(receiver.receivedCount, 2)
      for (const each of held) each.answer()
      await receiver.collectDistinct(3)
      await sender.close()
      await receiver.close()
    })

    test(`gcp_pubsub: metadata and keys are sent and received, with those of the service${sync ? ', with synchronous pull' : ''}`, async () => {
      const id = await newTopic(newId(), true)
      const sender = await Sender.start({
        gcp_pubsub: {
          ...own(),
          topic: '${! @topic }',
          ordering_key: '${! @key }',
          metadata: { exclude_prefixes: ['topic', 'key'] },
        },
      })
      await sender.send({ text: 'one', metadata: { topic: id, key: 'k', colour: 'blue' } })
      const receiver = await Receiver.start({ gcp_pubsub: { ...own(), subscription: id, sync } })
      const first = await receiver.next()
      const metadata = Object.fromEntries(first.batch[0]!.metadata)
      const { gcp_pubsub_message_id: messageId, gcp_pubsub_publish_time_unix: publishedAt, ...others } = metadata
      assert.deepEqual(others, { colour: 'blue', gcp_pubsub_ordering_key: 'k' })
      assert.match(String(messageId), /^m?\d+$/)
      assert.ok(Math.abs(Number(publishedAt) - Date.now() / 1000) < 3600)
      first.answer()
      await sender.close()
      await receiver.close()
    })

    test(`gcp_pubsub: a subscription that is created later is read${sync ? ', with synchronous pull' : ''}`, async () => {
      const id = newId()
      const receiver = await Receiver.start({ gcp_pubsub: { ...own(), subscription: id, sync } })
      await logged(receiver, /Subscription error: .*NOT_FOUND/)
      await newTopic(id)
      const sender = await Sender.start({ gcp_pubsub: { ...own(), topic: id } })
      await sender.send('at last')
      assert.deepEqual(await receiver.collectDistinct(1), ['at last'])
      await sender.close()
      await receiver.close()
    })
  }

  test('gcp_pubsub: a missing topic fails only its own messages, until it exists', async () => {
    const [id, missing] = [await newTopic(), newId()]
    const sender = await Sender.start({ gcp_pubsub: { ...own(), topic: '${! content() }' } })
    await assert.rejects(
      sender.send(id, missing),
      new RegExp(`failed to get topic: ${missing}: topic '${missing}' does not exist`),
    )
    await newTopic(missing)
    await sender.send(missing)
    const receiver = await Receiver.start({ gcp_pubsub: { ...own(), subscription: id } })
    assert.deepEqual(await receiver.collectDistinct(1), [id])
    await sender.close()
    await receiver.close()
  })

  test('gcp_pubsub: messages with the same ordering key keep their order', async () => {
    const id = await newTopic(newId(), true)
    const sender = await Sender.start({
      gcp_pubsub: { ...own(), topic: id, ordering_key: 'k', count_threshold: 3, delay_threshold: '1ms' },
    })
    const sent = Array.from({ length: 30 }, (_, index) => `${index}`)
    await Promise.all(sent.map(text => sender.send(text)))
    const [{ receivedMessages }] = await pull(id, 30)
    assert.deepEqual(
      receivedMessages?.map(({ message }) => String(message?.data)).toSorted((a, b) => Number(a) - Number(b)),
      sent,
    )
    const byId = receivedMessages.toSorted((a, b) => numberOf(a.message?.messageId) - numberOf(b.message?.messageId))
    assert.deepEqual(
      byId.map(({ message }) => String(message?.data)),
      sent,
    )
    await sender.close()
  })

  test('gcp_pubsub: a missing subscription is created', async () => {
    const [topic, subscription] = [newId(), newId()]
    await client.createTopic(topic)
    const input = { gcp_pubsub: { ...own(), subscription, create_subscription: { enabled: true, topic } } }
    const receiver = await Receiver.start(input)
    while (!(await client.subscription(subscription).exists())[0]) await sleep(20)
    const sender = await Sender.start({ gcp_pubsub: { ...own(), topic } })
    await sender.send('hello')
    assert.deepEqual(await receiver.collectDistinct(1), ['hello'])
    await sender.close()
    await receiver.close()
    await assert.rejects(
      Receiver.start({ gcp_pubsub: { ...own(), subscription, create_subscription: { enabled: true } } }),
      /must specify a topic_id when create_subscription is enabled/,
    )
  })

  test('gcp_pubsub: an unanswered publish request fails after its timeout', async () => {
    const id = await newTopic()
    const proxy = await startTcpProxy(port)
    const sender = await Sender.start({ gcp_pubsub: { ...own(proxy.port), topic: id, publish_timeout: '300ms' } })
    await sender.send('before')
    proxy.cut({ refuse: true })
    await assert.rejects(sender.send('during'), /exceeded 300 milliseconds|DEADLINE|UNAVAILABLE/i)
    proxy.restore()
    await sender.close()
    await proxy.close()
  })

  outputContract('gcp_pubsub', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const id = await newTopic()
      const proxy = await startTcpProxy(port)
      const seen: string[] = []
      return {
        config: (maxInFlight = 64) =>
          JSON.stringify({
            gcp_pubsub: {
              ...own(proxy.port),
              topic: `\${! if content() == "poison" { throw("refused") } else { "${id}" } }`,
              max_in_flight: maxInFlight,
            },
          }),
        poison: 'poison',
        async delivered() {
          for (;;) {
            const [{ receivedMessages }] = await pull(id, 1000)
            if (!receivedMessages?.length) return seen
            const inOrder = receivedMessages.toSorted(
              (a, b) => numberOf(a.message?.messageId) - numberOf(b.message?.messageId),
            )
            seen.push(...inOrder.map(({ message }) => String(message?.data)))
          }
        },
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  const sent = bodies(25)
  inputContract('gcp_pubsub', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const proxy = await startTcpProxy(port)
      const id = await newTopic()
      for (const body of sent) await client.topic(id).publishMessage({ data: Buffer.from(body) })
      const config = JSON.stringify({ gcp_pubsub: { ...own(proxy.port), subscription: id } })
      return { config, bodies: sent, unordered: true, cut: () => proxy.cut(), close: () => proxy.close() }
    },
    async plenty(texts) {
      const id = await newTopic()
      const topic = client.topic(id, { batching: { maxMessages: 1000 } })
      await Promise.all(texts.map(text => topic.publishMessage({ data: Buffer.from(text) })))
      return { config: JSON.stringify({ gcp_pubsub: { ...own(), subscription: id } }), bodies: texts, unordered: true }
    },
  })

  /** Pulls and acknowledges messages without the component. */
  async function pull(subscription: string, maxMessages: number) {
    const subscriber = await subscriberOf(client)
    const name = `projects/${project}/subscriptions/${subscription}`
    const answer = await subscriber.pull({ subscription: name, maxMessages, returnImmediately: true })
    const ackIds = answer[0].receivedMessages?.map(({ ackId }) => ackId!) ?? []
    if (ackIds.length > 0) await subscriber.acknowledge({ subscription: name, ackIds })
    await subscriber.close()
    return answer
  }
}

/** The server numbers messages as they arrive. */
const numberOf = (messageId: string | null | undefined): number => Number(/\d+/.exec(messageId ?? '')?.[0])
