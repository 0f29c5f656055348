import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'
import mqtt from 'mqtt'
import { openOwnServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'

const url = process.env['PENSTOCK_TEST_MQTT']

if (url === undefined) test('MQTT connectors', { skip: 'needs a server: npm run test:connectors -- mqtt' })
else await testMqtt(url)

async function testMqtt(address: string): Promise<void> {
  const port = Number(new URL(address).port)
  const at = (somePort: number) => [`tcp://127.0.0.1:${somePort}`]
  const newId = () => `m-${randomUUID().slice(0, 8)}`
  const client = await mqtt.connectAsync(address)
  after(() => client.endAsync())

  // The broker stores messages from the first subscription on.
  const subscribe = async (id: string, qos: 1 | 2, somePort: number) => {
    const session = await mqtt.connectAsync(at(somePort)[0]!, { clientId: `${id}-in`, clean: false })
    await session.subscribeAsync(id, { qos })
    await session.endAsync()
  }
  const casesOf = (qos: 1 | 2): StreamCases => ({
    port,
    // With QoS 2 the broker hands a message over before it is delivered, so that only this process has it.
    forgets: qos === 2,
    prepare: id => subscribe(id, qos, port),
    input: (topic, somePort) => ({
      mqtt: { urls: at(somePort), topics: [topic], client_id: `${topic}-in`, clean_session: false, qos },
    }),
    output: (topic, somePort) => ({
      mqtt: { urls: at(somePort), topic, qos, max_in_flight: 1, dynamic_client_id_suffix: 'nanoid' },
    }),
  })
  for (const qos of [1, 2] as const) testStreams(`mqtt, qos ${qos}`, casesOf(qos))
  testOutages('mqtt', casesOf(1), () =>
    openOwnServer({
      command(ownPort, folder) {
        const settings = [
          `listener ${ownPort} 127.0.0.1`,
          'allow_anonymous true',
          'persistence true',
          `persistence_location ${folder}/`,
          `user ${userInfo().username}`,
        ]
        writeFileSync(join(folder, 'mosquitto.conf'), settings.join('\n'))
        return { program: '/usr/sbin/mosquitto', args: ['-c', join(folder, 'mosquitto.conf')] }
      },
      // The broker writes sessions to disk when it stops.
      stopsGently: true,
      prepare: (id, ownPort) => subscribe(id, 1, ownPort),
    }),
  )

  test('mqtt: metadata, and messages that the broker retains', async () => {
    const topic = newId()
    const sender = await Sender.start({
      mqtt: { urls: [address], topic, client_id: newId(), retained_interpolated: '${! content() == "kept" }' },
    })
    await sender.send('kept')
    await sender.send('not kept')
    const receiver = await Receiver.start({ mqtt: { urls: [address], topics: [topic], client_id: newId() } })
    const received = await receiver.next()
    received.answer()
    const { metadata } = received.batch[0]!
    assert.deepEqual(received.texts, ['kept'])
    assert.deepEqual(
      ['mqtt_topic', 'mqtt_retained', 'mqtt_qos', 'mqtt_duplicate'].map(name => metadata.get(name)),
      [topic, true, 1n, false],
    )
    await sender.close()
    await receiver.close()
  })

  test('mqtt: a broker that stops accepting data is treated as lost', async () => {
    const proxy = await startTcpProxy(port)
    const topic = newId()
    const sender = await Sender.start({ mqtt: { urls: at(proxy.port), topic, write_timeout: '300ms' } })
    await sender.send('before')
    proxy.pause()
    // More than the operating system buffers.
    const sending = Promise.all(Array.from({ length: 8 }, () => sender.send('x'.repeat(2_000_000))))
    const before = proxy.accepted
    await until(rig, () => proxy.accepted > before, 'the output connects again')
    proxy.resume()
    await sending
    await sender.close()
    await proxy.close()
  })

  test('mqtt: a broker with TLS is reached by its name and by its address', async () => {
    const { PENSTOCK_TEST_MQTT_TLS: tlsPort, PENSTOCK_TEST_MQTT_CA: authority } = process.env
    for (const host of ['localhost', '127.0.0.1']) {
      const urls = [`ssl://${host}:${tlsPort}`]
      const tls = { enabled: true, root_cas_file: authority }
      const sender = await Sender.start({ mqtt: { urls, topic: newId(), client_id: newId(), tls } })
      await sender.send('arrives')
      await sender.close()
    }
    const stranger = await Receiver.start({
      mqtt: { urls: [`ssl://127.0.0.1:${tlsPort}`], topics: [newId()], client_id: newId() },
    })
    await until(rig, () => stranger.log.some(line => line.includes('unknown authority')), 'the refusal is logged')
    await stranger.close()
  })

  test('mqtt: an unreachable broker is reported, and the next one is tried', async () => {
    const topic = newId()
    const receiver = await Receiver.start({
      mqtt: { urls: ['tcp://127.0.0.1:1'], topics: [topic], client_id: newId() },
    })
    await until(rig, () => receiver.log.some(line => line.includes('connection refused')), 'the refusal is logged')
    await receiver.close()
    const sender = await Sender.start({ mqtt: { urls: [`tcp://127.0.0.1:1,${address}`], topic, client_id: newId() } })
    await sender.send('arrives')
    await sender.close()
  })

  const sent = bodies(25)
  inputContract('mqtt', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const topic = newId()
      const proxy = await startTcpProxy(port)
      const session = await mqtt.connectAsync(address, { clientId: topic, clean: false })
      await session.subscribeAsync(topic, { qos: 1 })
      await session.endAsync()
      for (const body of sent) await client.publishAsync(topic, body, { qos: 1 })
      const own = `urls: [ 'tcp://127.0.0.1:${proxy.port}' ], topics: [ ${topic} ], client_id: ${topic}, clean_session: false`
      const config = `{ mqtt: { ${own} } }`
      return { config, bodies: sent, cut: () => proxy.cut(), close: () => proxy.close() }
    },
  })

  const heard = new Map<string, string[]>()
  client.on('message', (topic, payload) => void heard.get(topic)?.push(payload.toString()))
  outputContract('mqtt', rig, {
    inFlight: 'many',
    without: { hold: 'the broker answers at once' },
    async open() {
      const topic = newId()
      const marker = newId()
      heard.set(topic, [])
      await client.subscribeAsync([topic, marker], { qos: 1 })
      const proxy = await startTcpProxy(port)
      const own = `urls: [ 'tcp://127.0.0.1:${proxy.port}' ], topic: '\${! if content() == "poison" { throw("no") } else { "${topic}" } }'`
      return {
        config: (maxInFlight = 64) => `{ mqtt: { ${own}, client_id: ${topic}, max_in_flight: ${maxInFlight} } }`,
        poison: 'poison',
        async delivered() {
          heard.set(marker, [])
          await client.publishAsync(marker, 'now', { qos: 1 })
          await until(rig, () => heard.get(marker)!.length > 0, 'the marker is heard')
          return heard.get(topic)!
        },
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}
