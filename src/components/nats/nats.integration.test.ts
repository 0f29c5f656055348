import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { DiscardPolicy, jetstream, jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect, type NatsConnection, TimeoutError } from '@nats-io/transport-node'
import { openOwnServer, type OutageCases, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { type OutputHarness, outputContract } from '../../engine/contract/output.suite.ts'
import { processorContract } from '../../engine/contract/processor.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'

const url = process.env['PENSTOCK_TEST_NATS']

if (url === undefined) test('NATS connectors', { skip: 'needs a server: npm run test:connectors -- nats' })
else await testNats(url)

async function testNats(address: string): Promise<void> {
  const port = Number(new URL(address).port)
  const at = (somePort: number) => [`nats://127.0.0.1:${somePort}`]
  const client = await connect({ servers: address })
  after(() => client.close())
  const manager = await jetstreamManager(client)
  const newId = () => `n-${randomUUID().slice(0, 8)}`
  const newStream = async (id: string) => void (await manager.streams.add({ name: id, subjects: [id, `${id}.>`] }))
  const newBucket = async (id = newId()) => {
    await new Kvm(client).create(id, { history: 5 })
    return id
  }

  testStreams('nats', {
    port,
    input: (subject, somePort) => ({ nats: { urls: at(somePort), subject } }),
    output: (subject, somePort) => ({
      nats: { urls: at(somePort), subject, max_in_flight: 1, metadata: { include_patterns: ['.*'] } },
    }),
    broadcasts: true,
    forgets: true,
    keepsMetadata: true,
  })

  const jetStreams = (more: object) => ({
    port,
    prepare: newStream,
    input: (subject: string, somePort: number) => ({
      nats_jetstream: { urls: at(somePort), subject, ack_wait: '1s', ...more },
    }),
    output: (subject: string, somePort: number) => ({
      nats_jetstream: { urls: at(somePort), subject, max_in_flight: 1, metadata: { include_patterns: ['.*'] } },
    }),
    keepsMetadata: true,
  })
  testStreams('nats_jetstream, durable', jetStreams({ durable: 'reader' }))
  const connected = async <T>(ownPort: number, use: (connection: NatsConnection) => Promise<T>): Promise<T> => {
    const connection = await connect({ servers: at(ownPort), timeout: 2000 })
    try {
      return await use(connection)
    } finally {
      await connection.close()
    }
  }
  const change = (ownPort: number, id: string, config: Partial<StreamConfig>) =>
    connected(ownPort, async connection => {
      await (await jetstreamManager(connection)).streams.update(id, config)
    })
  const openServer = (prepare: (id: string, ownPort: number) => Promise<void>) =>
    openOwnServer({
      command: (ownPort, folder) => ({
        program: 'nats-server',
        args: ['--addr', '127.0.0.1', '--port', String(ownPort), '--jetstream', '--store_dir', folder],
      }),
      prepare,
      // It contains ten messages.
      fill: (id, ownPort) => change(ownPort, id, { max_msgs: 10, discard: DiscardPolicy.New }),
      free: (id, ownPort) => change(ownPort, id, { max_msgs: -1 }),
    })
  const openStreams = () =>
    openServer((id, ownPort) =>
      connected(ownPort, async connection => {
        await (await jetstreamManager(connection)).streams.add({ name: id, subjects: [id] })
      }),
    )
  testOutages('nats_jetstream', jetStreams({ durable: 'reader' }), openStreams)
  testFullServer('nats_jetstream', jetStreams({ durable: 'reader' }), openStreams)

  const keyOf = (text: string) => text.replaceAll(' ', '_')
  const kv: OutageCases = {
    port,
    prepare: async id => void (await newBucket(id)),
    input: (bucket, somePort) => ({ nats_kv: { urls: at(somePort), bucket } }),
    output: (bucket, somePort) => ({
      nats_kv: { urls: at(somePort), bucket, key: '${! content().string().replace_all(" ", "_") }' },
    }),
    arrived: (bucket, somePort) =>
      connected(somePort, async connection => {
        const store = await new Kvm(connection).open(bucket)
        const found: string[] = []
        for await (const key of await store.keys()) found.push(key.replaceAll('_', ' '))
        return found
      }),
    put: (bucket, text, somePort) =>
      connected(somePort, async connection => {
        await (await new Kvm(connection).open(bucket)).put(keyOf(text), text)
      }),
  }
  const openBuckets = () =>
    openServer((id, ownPort) => connected(ownPort, async connection => void (await new Kvm(connection).create(id))))
  const { input: bucketInput, output: bucketOutput, ...bucketEnds } = kv
  testOutages('nats_kv out', { ...bucketEnds, output: bucketOutput! }, openBuckets)
  testOutages('nats_kv in', { ...bucketEnds, input: bucketInput! }, openBuckets)

  const heard = new Map<string, string[]>()
  testOutages('nats out', {
    port,
    prepare: async id => {
      const texts: string[] = []
      heard.set(id, texts)
      client.subscribe(id, { callback: (_, message) => void texts.push(message.string()) })
      await client.flush()
    },
    output: (subject, somePort) => ({ nats: { urls: at(somePort), subject } }),
    arrived: id => Promise.resolve(heard.get(id)!),
  })
  testStreams('nats_jetstream, queue', jetStreams({ queue: 'readers' }))
  testStreams('nats_jetstream, pull consumer', {
    ...jetStreams({ durable: 'puller', bind: true }),
    async prepare(id) {
      await newStream(id)
      await manager.consumers.add(id, { durable_name: 'puller', ack_policy: 'explicit', ack_wait: 1e9 })
    },
    input: (stream, somePort) => ({ nats_jetstream: { urls: at(somePort), stream, durable: 'puller', bind: true } }),
  })

  test('nats_jetstream: a lost consumer without a durable name resumes where it stopped', async () => {
    const id = newId()
    await newStream(id)
    const proxy = await startTcpProxy(port)
    const receiver = await Receiver.start({ nats_jetstream: { urls: at(proxy.port), subject: id } })
    const publish = (text: string) => jetstream(client).publish(id, text)
    await publish('one')
    await publish('two')
    const [first, second] = [await receiver.next(), await receiver.next()]
    first.answer()
    // The server forgets the consumer, as after a long time without a reader.
    for await (const { name } of manager.consumers.list(id)) await manager.consumers.delete(id, name)
    proxy.cut()
    await publish('three')
    const rest = await receiver.collect(texts => texts.includes('two') && texts.includes('three'))
    assert.deepEqual([second.texts, rest], [['two'], ['two', 'three']])
    await receiver.close()
    await proxy.close()
  })

  test('nats_jetstream: metadata holds the position of a message', async () => {
    const id = newId()
    await newStream(id)
    await jetstream(client).publish(`${id}.a`, 'x')
    const receiver = await Receiver.start({ nats_jetstream: { urls: [address], subject: `${id}.>` } })
    const received = await receiver.next()
    const { metadata } = received.batch[0]!
    const names = [
      'nats_subject',
      'nats_sequence_stream',
      'nats_sequence_consumer',
      'nats_num_delivered',
      'nats_num_pending',
      'nats_domain',
    ]
    assert.deepEqual(
      names.map(name => metadata.get(name)),
      [`${id}.a`, '1', '1', '1', '0', ''],
    )
    assert.match(String(metadata.get('nats_timestamp_unix_nano')), /^\d{19}$/)
    received.answer()
    await receiver.close()
  })

  test('nats_jetstream: messages to a subject that no stream captures fail', async () => {
    const sender = await Sender.start({ nats_jetstream: { urls: [address], subject: 'nowhere' } })
    await assert.rejects(sender.send('x'), /no stream collects the subject 'nowhere'/)
    await sender.close()
  })

  test('nats: a request is answered with the result of the stream', async () => {
    const subject = newId()
    const receiver = await Receiver.start(
      { nats: { urls: [address], subject } },
      {
        pipeline: { processors: [{ mapping: 'root = content().uppercase()\nmeta loud = "yes"' }] },
        output: { sync_response: {} },
      },
    )
    const ask = async (): Promise<string> => {
      for (;;) {
        const answer = await client.request(subject, 'hello', { timeout: 5000 }).catch(() => undefined)
        if (answer !== undefined) return `${answer.string()} ${answer.headers?.get('loud')}`
      }
    }
    assert.equal(await ask(), 'HELLO yes')
    await receiver.close()
  })

  test('a password and TLS', async () => {
    const guarded = process.env['PENSTOCK_TEST_NATS_GUARDED']!
    const tls = { enabled: true, root_cas_file: process.env['PENSTOCK_TEST_NATS_CA'] }
    const receiver = await Receiver.start({ nats: { urls: [guarded], subject: 'x', tls } })
    const sender = await Sender.start({ nats: { urls: [guarded], subject: 'x', tls } })
    let isThere = false
    const first = receiver.next().then(received => ((isThere = true), received.answer()))
    while (!isThere) await sender.send('there?')
    await first
    await sender.close()
    await receiver.close()
    const wrong = new URL(guarded)
    wrong.password = 'wrong'
    for (const [config, reason] of [
      [{ urls: [wrong.href], tls }, /Authorization Violation/i],
      [{ urls: [guarded], tls: { enabled: true } }, /certificate/],
    ] as const) {
      const refused = await Receiver.start({ nats: { subject: 'x', ...config } })
      while (refused.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
      assert.match(refused.log.join('\n'), reason)
      await refused.close()
    }
  })

  test('nats_kv: values and changes carry their revisions, and a lost connection repeats none', async () => {
    const bucket = await newBucket()
    const store = await new Kvm(client).open(bucket)
    await store.put('a.x', 'one')
    const proxy = await startTcpProxy(port)
    const receiver = await Receiver.start({ nats_kv: { urls: at(proxy.port), bucket, key: 'a.*' } })
    const see = async () => {
      const received = await receiver.next()
      received.answer()
      const { metadata } = received.batch[0]!
      return [received.texts[0], metadata.get('nats_kv_key'), metadata.get('nats_kv_operation')]
    }
    assert.deepEqual(await see(), ['one', 'a.x', 'KeyValuePutOp'])
    await store.put('b.x', 'other')
    await store.put('a.x', 'two')
    assert.deepEqual(await see(), ['two', 'a.x', 'KeyValuePutOp'])
    proxy.cut()
    await store.delete('a.x')
    assert.deepEqual(await see(), ['', 'a.x', 'KeyValueDeleteOp'])
    await receiver.close()
    await proxy.close()
  })

  /** The result of a processor for one message: its text and some of its metadata. */
  const processed = async (processor: object, text: string) => {
    const receiver = await Receiver.start(
      { generate: { mapping: `root = ${JSON.stringify(text)}`, count: 1, interval: '' } },
      { pipeline: { processors: [processor, { catch: [{ mapping: 'root = "failed: " + error()' }] }] } },
    )
    const received = await receiver.next()
    received.answer()
    await receiver.done
    return received
  }

  test('nats_kv: every operation of the processor', async () => {
    const bucket = await newBucket()
    const run = async (operation: string, text = 'x', more = {}) => {
      const { texts } = await processed({ nats_kv: { urls: [address], bucket, operation, key: 'k', ...more } }, text)
      return texts[0]
    }
    assert.equal(await run('get'), 'failed: nats: key not found')
    assert.equal(await run('create', 'one'), 'one')
    assert.match((await run('create', 'again'))!, /^failed: .*wrong last sequence/)
    assert.equal(await run('put', 'two'), 'two')
    assert.equal(await run('get'), 'two')
    assert.equal(await run('get_revision', 'x', { revision: '1' }), 'one')
    assert.equal(await run('update', 'three', { revision: '2' }), 'three')
    assert.match((await run('update', 'four', { revision: '2' }))!, /^failed: .*wrong last sequence/)
    assert.equal(await run('keys', 'x', { key: '>' }), '["k"]')
    assert.equal(JSON.parse((await run('history'))!).length, 3)
    assert.equal(await run('delete'), 'x')
    assert.equal(await run('get'), 'failed: nats: key not found')
    assert.equal(await run('purge'), 'x')
  })

  test('nats_request_reply: the answer becomes the message', async () => {
    const subject = newId()
    client.subscribe(subject, { callback: (_, request) => void request.respond(`${request.string()}!`) })
    await client.flush()
    const ask = (to: string) => processed({ nats_request_reply: { urls: [address], subject: to, timeout: '5s' } }, 'hi')
    assert.deepEqual((await ask(subject)).texts, ['hi!'])
    assert.match((await ask('nowhere')).texts[0]!, /^failed: .*no responders/i)
  })

  const poison = 'poison'
  const subjectFor = (id: string) => `\${! if content() == "${poison}" { throw("refused") } else { "${id}" } }`
  const output = (
    name: string,
    fields: (id: string) => string,
    look: (id: string) => Promise<() => readonly string[] | Promise<readonly string[]>>,
  ): OutputHarness => ({
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const id = newId()
      const proxy = await startTcpProxy(port)
      const delivered = await look(id)
      const own = `urls: [ 'nats://127.0.0.1:${proxy.port}' ], ${fields(id)}`
      return {
        config: (maxInFlight = 64) => `{ ${name}: { ${own}, max_in_flight: ${maxInFlight} } }`,
        poison,
        delivered,
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  outputContract(
    'nats',
    rig,
    output(
      'nats',
      id => `subject: '${subjectFor(id)}'`,
      async id => {
        const heard: string[] = []
        client.subscribe(id, { callback: (_, message) => void heard.push(message.string()) })
        await client.flush()
        return async () => (await client.flush(), heard)
      },
    ),
  )
  const storedIn = (subject: string) => async (id: string) => {
    if (subject === '') await newStream(id)
    else await newBucket(id)
    const stream = subject === '' ? id : `KV_${id}`
    return async () => {
      const { state } = await manager.streams.info(stream)
      const found: string[] = []
      for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
        const stored = await manager.streams.getMessage(stream, { seq })
        if (stored !== null) found.push(stored.string())
      }
      return found
    }
  }
  outputContract(
    'nats_jetstream',
    rig,
    output('nats_jetstream', id => `subject: '${subjectFor(id)}'`, storedIn('')),
  )
  const key = `\${! if content() == "${poison}" { throw("refused") } else { content() } }`
  outputContract(
    'nats_kv',
    rig,
    output('nats_kv', id => `bucket: ${id}, key: '${key}'`, storedIn('bucket')),
  )

  const sent = bodies(25)
  const forgotten = { never: 'the server keeps nothing for subscribers that are not there' }
  inputContract('nats', rig, {
    ends: false,
    replays: true,
    reconnects: forgotten,
    resumes: forgotten,
    open() {
      const id = newId()
      return {
        config: `{ nats: { urls: [ '${address}' ], subject: ${id} } }`,
        bodies: sent,
        async feed() {
          // The server reports a request without a subscriber immediately; one with a subscriber waits until its
          // message has been processed.
          for (let isHeard = false; !isHeard; ) {
            isHeard = await client.request(id, 'm000', { timeout: 200 }).then(
              () => true,
              (error: unknown) => error instanceof TimeoutError,
            )
          }
          for (const body of sent.slice(1)) client.publish(id, body)
        },
      }
    },
  })
  const throughProxy = async () => {
    const proxy = await startTcpProxy(port)
    return { url: `nats://127.0.0.1:${proxy.port}`, cut: () => proxy.cut(), close: () => proxy.close() }
  }
  inputContract('nats_jetstream', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    remembers: true,
    async open() {
      const id = newId()
      await newStream(id)
      for (const body of sent) await jetstream(client).publish(id, body)
      const { url: own, ...proxy } = await throughProxy()
      const more = `durable: d-${id}, ack_wait: 2s`
      return {
        config: `{ nats_jetstream: { urls: [ '${own}' ], subject: ${id}, ${more} } }`,
        bodies: sent,
        unordered: true,
        ...proxy,
      }
    },
  })
  inputContract('nats_kv', rig, {
    ends: false,
    replays: true,
    reconnects: true,
    resumes: true,
    async open() {
      const bucket = await newBucket()
      const store = await new Kvm(client).open(bucket)
      for (const body of sent) await store.put(body, body)
      const { url: own, ...proxy } = await throughProxy()
      return { config: `{ nats_kv: { urls: [ '${own}' ], bucket: ${bucket} } }`, bodies: sent, ...proxy }
    },
  })

  const shared = await newBucket('shared-bucket')
  processorContract('nats_kv', rig, {
    config: `{ nats_kv: { urls: [ '${address}' ], bucket: ${shared}, operation: put, key: '${key.replaceAll(poison, 'failing').replace('content() }', '"k" }')}' } }`,
    failing: 'failing',
  })
  client.subscribe('contract-echo', { callback: (_, request) => void request.respond(request.data) })
  const echo = `\${! if content() == "failing" { throw("refused") } else { "contract-echo" } }`
  processorContract('nats_request_reply', rig, {
    config: `{ nats_request_reply: { urls: [ '${address}' ], subject: '${echo}' } }`,
    failing: 'failing',
  })
  const buckets = await Promise.all(Array.from({ length: 10 }, () => newBucket()))
  cacheContract('nats_kv', rig, {
    narrowKeys: 'keys of NATS hold letters, digits and a few other characters',
    open: () => ({ config: `{ nats_kv: { urls: [ '${address}' ], bucket: ${buckets.pop()} } }` }),
  })
}
