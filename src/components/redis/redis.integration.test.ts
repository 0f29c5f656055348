import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { createClient } from 'redis'
import { openOwnServer, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { type StreamCases, testStreams } from '../../../test/connectors/stream-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'

const url = process.env['PENSTOCK_TEST_REDIS']
const guardedUrl = process.env['PENSTOCK_TEST_REDIS_GUARDED']

if (url === undefined || guardedUrl === undefined) {
  test('Redis connectors', { skip: 'needs a server: npm run test:connectors -- redis' })
} else {
  const port = Number(new URL(url).port)
  const at = (somePort: number) => `redis://127.0.0.1:${somePort}`
  // On a busy machine connecting takes longer than the library's default of 5 seconds.
  const client = createClient({ url, socket: { connectTimeout: 60_000 } })
  await client.connect()
  after(() => client.close())
  const newKey = () => `k-${randomUUID().slice(0, 8)}`

  const lists: StreamCases = {
    port,
    input: (key, somePort) => ({ redis_list: { url: at(somePort), key, timeout: '1s' } }),
    output: (key, somePort) => ({ redis_list: { url: at(somePort), key, max_in_flight: 1 } }),
    forgets: true,
  }

  const streams: StreamCases = {
    port,
    input: (stream, somePort) => ({
      redis_streams: {
        url: at(somePort),
        streams: [stream],
        consumer_group: 'group',
        client_id: 'one',
        commit_period: '50ms',
        timeout: '200ms',
      },
    }),
    output: (stream, somePort) => ({ redis_streams: { url: at(somePort), stream, max_in_flight: 1 } }),
    keepsMetadata: true,
  }
  testStreams('redis_list', lists)
  testStreams('redis_streams', streams)

  const openServer = () =>
    openOwnServer({
      command: (ownPort, folder) => ({
        program: 'redis-server',
        args: [
          '--port',
          String(ownPort),
          '--bind',
          '127.0.0.1',
          '--appendonly',
          'yes',
          '--appendfsync',
          'always',
          '--dir',
          folder,
        ],
      }),
      fill: (_, ownPort) => limitMemory(ownPort, 1),
      free: (_, ownPort) => limitMemory(ownPort, 0),
    })
  const limitMemory = async (ownPort: number, maxmemory: number) => {
    const own = createClient({ url: at(ownPort) })
    await own.connect()
    await own.configSet('maxmemory', String(maxmemory))
    await own.close()
  }
  testOutages('redis_list', lists, openServer)
  testOutages('redis_streams', streams, openServer)
  testFullServer('redis_list', lists, openServer)
  testFullServer('redis_streams', streams, openServer)

  testStreams('redis_pubsub', {
    port,
    input: (channel, somePort) => ({ redis_pubsub: { url: at(somePort), channels: [channel] } }),
    output: (channel, somePort) => ({ redis_pubsub: { url: at(somePort), channel, max_in_flight: 1 } }),
    broadcasts: true,
    forgets: true,
  })

  const subscriber = createClient({ url, socket: { connectTimeout: 60_000 } })
  await subscriber.connect()
  after(() => subscriber.close())
  const heard = new Map<string, string[]>()
  testOutages('redis_pubsub out', {
    port,
    async prepare(id) {
      const texts: string[] = []
      heard.set(id, texts)
      await subscriber.subscribe(id, text => void texts.push(text))
    },
    output: (channel, somePort) => ({ redis_pubsub: { url: at(somePort), channel } }),
    arrived: id => Promise.resolve(heard.get(id)!),
  })
  testOutages(
    'redis_hash',
    {
      port,
      output: (key, somePort) => ({
        redis_hash: { url: at(somePort), key: `${key}:\${! content() }`, fields: { x: 'y' } },
      }),
      async arrived(key, somePort) {
        const own = createClient({ url: at(somePort), socket: { reconnectStrategy: false } })
        try {
          const keys = await (await own.connect()).keys(`${key}:*`)
          return keys.map(each => each.slice(key.length + 1))
        } finally {
          if (own.isOpen) own.destroy()
        }
      },
    },
    openServer,
  )

  test('a server that never answers is treated as lost', async context => {
    const proxy = await startTcpProxy(port)
    context.after(() => proxy.close())
    const key = newKey()
    const common = { url: at(proxy.port), key }
    const sender = await Sender.start({ redis_list: common })
    const receiver = await Receiver.start({ redis_list: { ...common, timeout: '1s' } })
    await sender.send('before')
    assert.deepEqual(await receiver.collectDistinct(1), ['before'])
    proxy.pause()
    const sending = sender.send('after')
    const before = proxy.accepted
    await until(rig, () => proxy.accepted >= before + 2, 'both ends connect again')
    proxy.resume()
    await sending
    assert.deepEqual(await receiver.collectDistinct(1), ['after'])
    await sender.close()
    await receiver.close()
  })

  test('redis_pubsub: subscribes to channels by pattern', async () => {
    const name = newKey()
    const receiver = await Receiver.start({ redis_pubsub: { url, channels: [`${name}-h?llo`], use_patterns: true } })
    while ((await client.publish(`${name}-hallo`, 'heard')) === 0) await new Promise(resolve => setTimeout(resolve, 20))
    const received = await receiver.next()
    assert.deepEqual(received.texts, ['heard'])
    received.answer()
    await receiver.close()
  })

  test('redis_list: max_in_flight bounds the messages in flight', async () => {
    const key = newKey()
    await client.rPush(key, ['a', 'b', 'c'])
    const receiver = await Receiver.start({ redis_list: { url, key, max_in_flight: 1 } })
    const first = await receiver.next()
    assert.deepEqual(first.texts, ['a'])
    assert.equal(await client.lLen(key), 2)
    first.answer()
    assert.deepEqual(await receiver.collectDistinct(2), ['b', 'c'])
    await receiver.close()
  })

  test('redis_list: both ends can be chosen', async () => {
    const key = newKey()
    const sender = await Sender.start({ redis_list: { url, key, command: 'lpush' } })
    for (const text of ['a', 'b']) await sender.send(text)
    await sender.close()
    const receiver = await Receiver.start({ redis_list: { url, key, command: 'brpop' } })
    assert.deepEqual(await receiver.collectDistinct(2), ['a', 'b'])
    await receiver.close()
  })

  test('a key of the wrong type fails its own messages only', async () => {
    const [list, text] = [newKey(), newKey()]
    await client.set(text, 'x')
    const sender = await Sender.start({ redis_list: { url, key: '${! content() }' } })
    await assert.rejects(sender.send(text), /WRONGTYPE/)
    await sender.send(list)
    assert.equal(await client.lLen(list), 1)
    await sender.close()
  })

  test('a wrong password is reported in the words of the server', async () => {
    const wrong = new URL(guardedUrl)
    wrong.password = 'wrong'
    const receiver = await Receiver.start({ redis_list: { url: wrong.href, key: 'x' } })
    while (receiver.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(receiver.log.join('\n'), /WRONGPASS/)
    await receiver.close()
  })

  test('a password of the URL is used', async () => {
    const key = newKey()
    const sender = await Sender.start({ redis_list: { url: guardedUrl, key } })
    await sender.send('guarded')
    await sender.close()
    const receiver = await Receiver.start({ redis_list: { url: guardedUrl, key } })
    assert.deepEqual(await receiver.collectDistinct(1), ['guarded'])
    await receiver.close()
  })

  test('redis_streams: a stream is kept near its maximum length', async () => {
    const stream = newKey()
    const sender = await Sender.start({ redis_streams: { url, stream, max_length: 100 } })
    await Promise.all(Array.from({ length: 1000 }, (_, index) => sender.send(String(index))))
    assert.ok((await client.xLen(stream)) < 1000)
    await sender.close()
  })

  test('redis_streams: metadata with an excluded prefix is not sent', async () => {
    const stream = newKey()
    const sender = await Sender.start({ redis_streams: { url, stream, metadata: { exclude_prefixes: ['own_'] } } })
    await sender.send({ text: 'x', metadata: { own_a: '1', b: '2', body: 'loses' } })
    const [entry] = (await client.xRange(stream, '-', '+')) ?? []
    assert.deepEqual({ ...entry?.message }, { b: '2', body: 'x' })
    await sender.close()
  })

  test('redis_streams: a missing stream is an error unless it may be created', async () => {
    const receiver = await Receiver.start({
      redis_streams: { url, streams: [newKey()], consumer_group: 'g', create_streams: false },
    })
    while (receiver.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(receiver.log.join('\n'), /failed to create group g for stream/)
    await receiver.close()
  })

  test('redis_scan: reads the matching keys, and ends', async () => {
    const prefix = newKey()
    await client.set(`${prefix}a`, '1')
    await client.set(`${prefix}b`, 'two')
    await client.rPush(`${prefix}c`, 'no text')
    const receiver = await Receiver.start({ redis_scan: { url, match: `${prefix}*` } })
    const texts = await receiver.collectDistinct(2)
    assert.deepEqual(texts.toSorted(), [`{"key":"${prefix}a","value":"1"}`, `{"key":"${prefix}b","value":"two"}`])
    await receiver.done
    assert.match(receiver.log.join('\n'), /WRONGTYPE/)
  })

  test('redis_hash: metadata, document and fields, the later ones winning', async () => {
    const key = newKey()
    const sender = await Sender.start({
      redis_hash: {
        url,
        key: '${! this.id }',
        walk_metadata: true,
        walk_json_object: true,
        fields: { c: 'from fields' },
      },
    })
    const document = { id: key, b: 1.5, c: 'document', d: true, e: null, f: { deep: [1] } }
    await sender.send({ text: JSON.stringify(document), metadata: { a: 'metadata', b: 'loses' } })
    assert.deepEqual(
      { ...(await client.hGetAll(key)) },
      { a: 'metadata', b: '1.5', c: 'from fields', d: '1', e: '', f: '{"deep":[1]}', id: key },
    )
    await sender.close()
  })

  /** The result of processors for one message. */
  const process1 = async (processors: readonly unknown[], text: string) => {
    const receiver = await Receiver.start(
      { generate: { mapping: `root = ${JSON.stringify(text)}`, count: 1, interval: '' } },
      { pipeline: { processors: [...processors, { catch: [{ mapping: 'root = "failed: " + error()' }] }] } },
    )
    const received = await receiver.next()
    received.answer()
    await receiver.done
    return received.texts[0]!
  }

  test('redis: replies become documents', async () => {
    const key = newKey()
    const run = (command: string, mapping: string, text = '{}') =>
      process1([{ redis: { url, command, args_mapping: mapping, retries: 0, retry_period: '1ms' } }], text)
    assert.equal(await run('set', `root = [ "${key}", "9007199254740993" ]`), '"OK"')
    assert.equal(await run('incrby', `root = [ "${key}", 2 ]`), '9007199254740995')
    assert.equal(await run('get', `root = [ "${key}" ]`), '"9007199254740995"')
    assert.equal(await run('get', `root = [ "${key}-none" ]`), 'failed: redis: nil')
    assert.equal(await run('sadd', `root = [ "${key}-s", "a", "b" ]`), '2')
    assert.match(await run('lpush', `root = [ "${key}", "x" ]`), /^failed: WRONGTYPE/)
    assert.equal(await run('hset', `root = [ "${key}-h", "f", 1 ]`), '1')
    assert.equal(await run('hgetall', `root = [ "${key}-h" ]`), '{"f":"1"}')
    assert.equal(await run('get', 'root = "x"'), 'failed: mapping returned non-array result: string')
  })

  test('redis: the old operators', async () => {
    const key = newKey()
    const run = (operator: string, text: string) => process1([{ redis: { url, operator, key, retries: 0 } }], text)
    assert.equal(await run('incrby', '5'), '5')
    assert.equal(await run('incrby', '-7'), '-2')
    assert.match(await run('incrby', 'x'), /^failed: redis operator failed: strconv.Atoi: parsing "x"/)
    assert.equal(await run('keys', ''), `["${key}"]`)
    await client.del(key)
    assert.equal(await run('sadd', 'a'), '1')
    assert.equal(await run('sadd', 'a'), '0')
    assert.equal(await run('scard', ''), '1')
  })

  test('redis_script: keys and arguments come from mappings', async () => {
    const key = newKey()
    const script = `redis.call('set', KEYS[1], ARGV[1]); return redis.call('get', KEYS[1]) .. #ARGV -- ${key}`
    const processor = {
      redis_script: {
        url,
        script,
        keys_mapping: `root = [ "${key}" ]`,
        args_mapping: 'root = [ this.v, 2, true ]',
        retries: 0,
      },
    }
    assert.equal(await process1([processor], '{"v":"x"}'), '"x3"')
    assert.equal(await process1([processor], '{"v":"y"}'), '"y3"')
  })

  test('cache: a stored value is found until it expires', async () => {
    const prefix = `${newKey()}:`
    const resources = { cache_resources: [{ label: 'c', redis: { url, prefix, default_ttl: '1h' } }] }
    const operate = async (operator: string, value?: string, ttl?: string) => {
      const cache = { resource: 'c', operator, key: 'k', ...(value && { value }), ...(ttl && { ttl }) }
      const receiver = await Receiver.start(
        { generate: { mapping: 'root = "same"', count: 1, interval: '' } },
        { pipeline: { processors: [{ cache }, { catch: [{ mapping: 'root = error()' }] }] }, ...resources },
      )
      const received = await receiver.next()
      received.answer()
      await receiver.done
      return received.texts[0]
    }
    assert.match((await operate('get'))!, /key does not exist/)
    assert.equal(await operate('set', 'one'), 'same')
    const ttl = await client.pTTL(`${prefix}k`)
    assert.ok(ttl > 3_000_000 && ttl <= 3_600_000)
    assert.equal(await operate('get'), 'one')
    assert.match((await operate('add', 'two'))!, /key already exists/)
    assert.equal(await operate('delete'), 'same')
    assert.equal(await operate('add', 'two', '10s'), 'same')
    assert.ok((await client.pTTL(`${prefix}k`)) <= 10_000)
  })

  test('rate limit: instances with the same key share one limit', async () => {
    const key = newKey()
    const start = (count: number) =>
      Receiver.start(
        { generate: { mapping: 'root = counter()', count, interval: '' } },
        {
          pipeline: { processors: [{ rate_limit: { resource: 'r' } }] },
          rate_limit_resources: [{ label: 'r', redis: { url, key, count: 3, interval: '1h' } }],
        },
      )
    for (const count of [2, 1]) {
      const receiver = await start(count)
      await receiver.collectDistinct(count)
      await receiver.done
    }
    const fourth = await start(1)
    while ((await client.get(key)) !== '4') await new Promise(resolve => setTimeout(resolve, 20))
    assert.ok((await client.pTTL(key)) > 0)
    await fourth.close()
    assert.equal(fourth.receivedCount, 0)
  })

  for (const [kind, variable, more] of [
    ['cluster', 'PENSTOCK_TEST_REDIS_CLUSTER', {}],
    ['failover', 'PENSTOCK_TEST_REDIS_SENTINEL', { master: 'mymaster' }],
  ] as const) {
    testStreams(`redis_streams, kind ${kind}`, {
      port: Number(new URL(process.env[variable]!).port),
      input: (stream, somePort) => ({
        redis_streams: {
          url: at(somePort),
          kind,
          ...more,
          streams: [stream],
          consumer_group: 'group',
          client_id: 'one',
          commit_period: '50ms',
          timeout: '200ms',
        },
      }),
      output: (stream, somePort) => ({ redis_streams: { url: at(somePort), kind, ...more, stream, max_in_flight: 1 } }),
      discovers: true,
    })
  }

  test('redis_scan: all servers of a cluster are read', async () => {
    const clusterUrl = process.env['PENSTOCK_TEST_REDIS_CLUSTER']!
    const keys = Array.from({ length: 20 }, (_, index) => `scan-${index}`)
    const sender = await Sender.start({
      redis_hash: { url: clusterUrl, kind: 'cluster', key: '${! content() }', fields: { a: 'b' } },
    })
    await sender.send(...keys)
    await sender.close()
    const receiver = await Receiver.start({ redis_scan: { url: clusterUrl, kind: 'cluster', match: 'scan-*' } })
    await receiver.done
    // Hashes cannot be read as strings, which is logged for each of them.
    assert.equal(receiver.log.filter(line => line.includes('WRONGTYPE')).length, keys.length)
  })

  test('TLS: the server certificate has to be signed by a trusted authority', async () => {
    const tlsUrl = process.env['PENSTOCK_TEST_REDIS_TLS']!
    const authority = process.env['PENSTOCK_TEST_REDIS_CA']
    const key = newKey()
    const tls = { enabled: true, root_cas_file: authority }
    const sender = await Sender.start({ redis_list: { url: tlsUrl, key, tls } })
    await sender.send('encrypted')
    await sender.close()
    const trusting = await Receiver.start({ redis_list: { url: tlsUrl, key, tls } })
    assert.deepEqual(await trusting.collectDistinct(1), ['encrypted'])
    await trusting.close()
    const doubting = await Receiver.start({ redis_list: { url: tlsUrl, key, tls: { enabled: true } } })
    while (doubting.log.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(doubting.log.join('\n'), /certificate/)
    await doubting.close()
  })
}
