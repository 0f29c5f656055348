import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { azuriteCommand } from '../../../test/connectors/azure.family.ts'
import { openOwnServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import type { Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { elements, elementText } from '../../storage/index.ts'
import { rig } from '../contract/rig.suite.ts'
import { AzureStorage } from './storage-client.ts'

/** The account of every emulator, whose key Microsoft publishes. */
const account = 'devstoreaccount1'
const key = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

const given = process.env['PENSTOCK_TEST_AZURE_QUEUE']

if (given === undefined) test('Azure queues', { skip: 'needs a server: npm run test:connectors -- azure' })
else testQueues(Number(given))

function testQueues(port: number): void {
  const own = (ownPort = port, accountKey = key) => ({
    storage_connection_string: `AccountName=${account};AccountKey=${accountKey};QueueEndpoint=http://127.0.0.1:${ownPort}/${account};`,
  })
  const newId = () => `t-${randomUUID().slice(0, 8)}`
  const config = { storage_account: '', storage_access_key: '', storage_sas_token: '', ...own() }
  const parts: Partial<Resources> = { host: systemHost, clock: systemClock, log: nullLog }
  const storage = new AzureStorage(config, 'queue', parts as Resources) // it uses no other part
  after(() => storage.close())
  const create = async (queue: string, headers: Record<string, string> = {}) =>
    void (await storage.request({ operation: 'CreateQueue', method: 'PUT', path: [queue], headers }))
  const put = (queue: string, text: string) =>
    storage.request({
      operation: 'PutMessage',
      method: 'POST',
      path: [queue, 'messages'],
      headers: { 'content-type': 'application/xml' },
      body: Buffer.from(`<QueueMessage><MessageText>${text}</MessageText></QueueMessage>`),
    })
  const takeAll = async (queue: string, seen: string[] = []) => {
    for (;;) {
      const query = { numofmessages: '32', visibilitytimeout: '600' }
      const call = { operation: 'GetMessages', method: 'GET', path: [queue, 'messages'], query } as const
      const messages = elements((await storage.request(call)).text, 'QueueMessage')
      if (messages.length === 0) return seen
      seen.push(...messages.map(each => elementText(each, 'MessageText') ?? ''))
    }
  }

  const cases: StreamCases = {
    port,
    // The cases count messages, so each one must be a batch.
    input: (id, inputPort) => ({ azure_queue_storage: { ...own(inputPort), queue_name: id, max_in_flight: 1 } }),
    output: (id, outputPort) => ({ azure_queue_storage: { ...own(outputPort), queue_name: id } }),
    unordered: true,
    narrowText: true,
  }
  testStreams('azure_queue_storage', cases)
  const visible = { dequeue_visibility_timeout: '2s', max_in_flight: 10 }
  testOutages(
    'azure_queue_storage',
    {
      ...cases,
      input: (id, inputPort) => ({ azure_queue_storage: { ...own(inputPort), queue_name: id, ...visible } }),
    },
    () =>
      openOwnServer({
        command: (ownPort, folder) =>
          azuriteCommand('queue', process.env['PENSTOCK_TEST_AZURE_QUEUE_PROGRAM']!, ownPort, folder),
        // The emulator writes to disk when it stops.
        stopsGently: true,
      }),
  )

  test('azure_queue_storage: the messages of a request are a batch, with metadata of the queue', async () => {
    const queue = newId()
    await create(queue, { 'x-ms-meta-colour': 'blue' })
    for (const text of ['1', '2', '3']) await put(queue, text)
    const receiver = await Receiver.start({
      azure_queue_storage: { ...own(), queue_name: queue, max_in_flight: 2, track_properties: true },
    })
    const first = await receiver.next()
    assert.equal(first.batch.length, 2)
    const { queue_storage_insertion_time: insertedAt, ...others } = Object.fromEntries(first.batch[0]!.metadata)
    assert.deepEqual(others, { colour: 'blue', queue_storage_queue_name: queue, queue_storage_message_lag: 1n })
    assert.match(String(insertedAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    first.answer()
    assert.deepEqual(await receiver.collectDistinct(1), ['3'])
    await receiver.close()
  })

  test('azure_queue_storage: a time to live is sent, and an invalid one fails only its own message', async () => {
    const queue = newId()
    const sender = await Sender.start({ azure_queue_storage: { ...own(), queue_name: queue, ttl: '${! @ttl }' } })
    const sent = [
      { text: 'short', metadata: { ttl: '1s' } },
      { text: 'none', metadata: { ttl: 'soon' } },
      { text: 'long', metadata: { ttl: '5m' } },
    ]
    await assert.rejects(sender.send(...sent), /soon/)
    await sleep(1500)
    assert.deepEqual(await takeAll(queue), ['long'])
    await sender.close()
  })

  test('azure_queue_storage: an authentication failure is reported', async () => {
    const wrong = { azure_queue_storage: { ...own(port, 'eA=='), queue_name: newId() } }
    const sender = await Sender.start(wrong)
    await assert.rejects(sender.send('x'), /PutMessage: (?:AuthorizationFailure|AuthenticationFailed)/)
    await sender.close()
    const receiver = await Receiver.start(wrong)
    while (receiver.log.length === 0) await sleep(20)
    assert.match(receiver.log.join('\n'), /GetMessages: (?:AuthorizationFailure|AuthenticationFailed)/)
    await receiver.close()
  })

  outputContract('azure_queue_storage', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const queue = newId()
      await create(queue)
      const proxy = await startTcpProxy(port)
      const seen: string[] = []
      const name = `\${! if content() == "poison" { throw("refused") } else { "${queue}" } }`
      return {
        config: (maxInFlight = 64) =>
          JSON.stringify({ azure_queue_storage: { ...own(proxy.port), queue_name: name, max_in_flight: maxInFlight } }),
        poison: 'poison',
        delivered: () => takeAll(queue, seen),
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  const sent = bodies(25)
  inputContract('azure_queue_storage', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const proxy = await startTcpProxy(port)
      const queue = newId()
      await create(queue)
      for (const body of sent) await put(queue, body)
      const body = { ...own(proxy.port), queue_name: queue, max_in_flight: 1, dequeue_visibility_timeout: '5s' }
      return {
        config: JSON.stringify({ azure_queue_storage: body }),
        bodies: sent,
        unordered: true,
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })
}
