import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import process from 'node:process'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import type { Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { rig } from '../contract/rig.suite.ts'
import { bytesOf } from './rest-client.ts'
import { type NewAttributes, StorageClient } from './storage-client.ts'

const address = process.env['PENSTOCK_TEST_GCS']

if (address === undefined) test('Cloud Storage', { skip: 'needs a server: npm run test:connectors -- gcp' })
else testStorage(address, Number(new URL(address).port))

function testStorage(endpoint: string, port: number): void {
  const own = (ownPort = port) => ({ endpoint: `http://127.0.0.1:${ownPort}` })
  const newId = () => `t-${randomUUID().slice(0, 8)}`
  const parts: Partial<Resources> = { host: systemHost, clock: systemClock, log: nullLog }
  const client = new StorageClient({ endpoint, credentials_json: '' }, parts as Resources) // it uses no other part
  after(() => client.close())
  const newBucket = async (bucket = newId()) => {
    const body = JSON.stringify({ name: bucket })
    const headers = { 'content-type': 'application/json' }
    const { ok } = await fetch(`${endpoint}/storage/v1/b?project=test`, { method: 'POST', headers, body })
    assert.ok(ok)
    return bucket
  }
  const put = (bucket: string, name: string, data: string | Uint8Array, more: Partial<NewAttributes> = {}) =>
    client.put(bucket, name, Buffer.from(data), { contentType: 'text/plain', ...more }, { chunkBytes: 0 })
  const read = async (bucket: string, name: string) => {
    const { body } = await client.open({ bucket, name, generation: '' }, 0)
    return (await bytesOf(body)).toString()
  }
  const names = async (bucket: string) => (await client.list(bucket, { prefix: '', token: '', limit: 1000 })).names
  // The server loses its state when it stops.
  testOutages('gcp_cloud_storage out', {
    port,
    prepare: async id => void (await newBucket(id)),
    output: (bucket, outputPort) => ({ gcp_cloud_storage: { ...own(outputPort), bucket, path: '${! content() }' } }),
    arrived: names,
  })

  const logged = async (stream: { readonly log: readonly string[] }, pattern: RegExp) => {
    while (!pattern.test(stream.log.join('\n'))) await sleep(20)
  }

  test('gcp_cloud_storage: an object has the content, content type and metadata of its message', async () => {
    const bucket = await newBucket()
    const sender = await Sender.start({
      gcp_cloud_storage: {
        ...own(),
        bucket,
        path: 'a b/${! @name }?.txt',
        content_type: 'text/${! @kind }',
        content_encoding: 'identity',
      },
    })
    await sender.send({ text: 'ü', metadata: { name: 'käse', kind: 'plain', colour: 'blue and red' } })
    const attributes = await client.attributes(bucket, 'a b/käse?.txt')
    assert.deepEqual(
      [attributes?.contentType, attributes?.contentEncoding, attributes?.metadata],
      ['text/plain', 'identity', { name: 'käse', kind: 'plain', colour: 'blue and red' }],
    )
    assert.equal(await read(bucket, 'a b/käse?.txt'), 'ü')
    await sender.close()
  })

  test('gcp_cloud_storage: an object larger than a chunk is uploaded completely', async () => {
    const bucket = await newBucket()
    const sender = await Sender.start({
      gcp_cloud_storage: { ...own(), bucket, path: '${! content().length() }', chunk_size: 300_000, timeout: '60s' },
    })
    // Chunks are a multiple of 256 KiB: 512 KiB here.
    for (const length of [300_001, 524_288, 524_289, 2_000_000]) {
      const body = Array.from({ length: length / 7 + 1 }, (_, index) => `${index}`.padStart(7))
        .join('')
        .slice(0, length)
      await sender.send({ text: body, metadata: { colour: 'blue' } })
      assert.equal(await read(bucket, String(length)), body)
      assert.deepEqual((await client.attributes(bucket, String(length)))?.metadata, { colour: 'blue' })
    }
    await sender.close()
  })

  const sendTwice = async (mode: string) => {
    const bucket = await newBucket()
    const sender = await Sender.start({
      gcp_cloud_storage: { ...own(), bucket, path: 'in/${! @name.or("x") }', collision_mode: mode },
    })
    await sender.send('one')
    return { bucket, sender, second: sender.send('two') }
  }

  test('gcp_cloud_storage: an existing object is replaced or kept, or its message fails, as configured', async () => {
    for (const [mode, kept] of [
      ['overwrite', 'two'],
      ['ignore', 'one'],
    ] as const) {
      const { bucket, sender, second } = await sendTwice(mode)
      await second
      assert.equal(await read(bucket, 'in/x'), kept)
      await sender.close()
    }
    const { bucket, sender, second } = await sendTwice('error-if-exists')
    await assert.rejects(second, /file at path already exists: in\/x/)
    assert.equal(await read(bucket, 'in/x'), 'one')
    await sender.close()
  })

  test('gcp_cloud_storage: concurrent messages are all appended, and no temporary objects remain', async () => {
    const { bucket, sender, second } = await sendTwice('append')
    const more = Array.from({ length: 20 }, (_, index) => `-${index + 10}`)
    await Promise.all([second, ...more.map(text => sender.send({ text, metadata: { colour: text } }))])
    const whole = await read(bucket, 'in/x')
    assert.ok(whole.startsWith('one'))
    assert.deepEqual(
      whole
        .slice(3)
        .match(/two|-\d\d/g)
        ?.toSorted(),
      [...more, 'two'],
    )
    assert.deepEqual(await names(bucket), ['in/x'])
    await sender.close()
  })

  test('gcp_cloud_storage: a message that cannot be stored fails with the reason, and no other does', async () => {
    const bucket = await newBucket()
    const sender = await Sender.start({
      gcp_cloud_storage: {
        ...own(),
        bucket,
        path: '${! if content() == "bad" { throw("no name") } else { content() } }',
      },
    })
    await assert.rejects(sender.send('good', 'bad', 'fine'), /path interpolation error: .*no name/)
    assert.deepEqual(await names(bucket), ['fine', 'good'])
    await sender.close()
    const lost = await Sender.start({ gcp_cloud_storage: { ...own(), bucket: newId(), path: 'x' } })
    await assert.rejects(lost.send('x'), /InsertObject: /)
    await lost.close()
  })

  test('gcp_cloud_storage: a slow service times out, and an unreachable one is reported', async () => {
    const proxy = await startTcpProxy(port)
    const bucket = await newBucket()
    const sender = await Sender.start({
      gcp_cloud_storage: { ...own(proxy.port), bucket, path: 'x', timeout: '300ms' },
    })
    await sender.send('x')
    proxy.pause()
    await assert.rejects(sender.send('x'), /the upload took longer than the timeout of 300 ms/)
    await sender.close()
    await proxy.close()
    const away = await Sender.start({ gcp_cloud_storage: { ...own(1), bucket, path: 'x' } })
    await assert.rejects(away.send('x'), /InsertObject: .*connection refused/)
    await away.close()
  })

  test('gcp_cloud_storage: objects are read in the order of their names, page after page, with their metadata', async () => {
    const bucket = await newBucket()
    const objects = Array.from({ length: 205 }, (_, index) => `in/${String(index).padStart(3, '0')} ü+&?#`)
    for (const name of [...objects, 'out/x']) await put(bucket, name, name, { metadata: { Colour: 'blue' } })
    const receiver = await Receiver.start({ gcp_cloud_storage: { ...own(), bucket, prefix: '${! "in" + "/" }' } })
    const first = await receiver.next()
    first.answer()
    const {
      gcs_last_modified: modified,
      gcs_last_modified_unix: seconds,
      ...others
    } = Object.fromEntries(first.batch[0]!.metadata)
    assert.deepEqual(others, {
      gcs_key: objects[0],
      gcs_bucket: bucket,
      gcs_content_type: 'text/plain',
      gcs_content_encoding: '',
      Colour: 'blue',
    })
    assert.match(String(modified), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(BigInt(Date.parse(String(modified)) / 1000), seconds)
    assert.deepEqual([...first.texts, ...(await receiver.collectDistinct(objects.length - 1))], objects)
    await receiver.done
    await receiver.close()
  })

  test('gcp_cloud_storage: an object is deleted only once all of its messages are delivered', async () => {
    const bucket = await newBucket()
    await put(bucket, 'a', 'one\ntwo')
    const receiver = await Receiver.start({
      gcp_cloud_storage: { ...own(), bucket, delete_objects: true, scanner: { lines: {} } },
    })
    const [one, two] = [await receiver.next(), await receiver.next()]
    one.answer()
    two.answer(new Error('not now'))
    const again = await receiver.next()
    assert.deepEqual([again.texts, await names(bucket)], [['two'], ['a']])
    again.answer()
    await receiver.done
    await receiver.close()
    assert.deepEqual(await names(bucket), [])
  })

  for (const encoding of ['', 'gzip']) {
    test(`gcp_cloud_storage: an object ${encoding && 'that is compressed, and '}whose connections are lost is read completely and once`, async () => {
      const bucket = await newBucket()
      // Random text, because well-compressible data arrives before the connection can be cut.
      const lines = Array.from({ length: 30_000 }, (_, index) => `${index} ${randomBytes(300).toString('base64')}`)
      const text = lines.join('\n')
      await put(bucket, 'large', encoding === '' ? text : gzipSync(text), { contentEncoding: encoding })
      const proxy = await startTcpProxy(port)
      const receiver = await Receiver.start({
        gcp_cloud_storage: { ...own(proxy.port), bucket, scanner: { lines: {} } },
      })
      const received: string[] = []
      while (received.length < lines.length) {
        const next = await receiver.next()
        next.answer()
        received.push(...next.texts)
        if (received.length % 10_000 === 1) proxy.cut()
      }
      assert.deepEqual(received, lines)
      assert.match(receiver.log.join('\n'), /Reading 'large' was interrupted at byte \d+ and will resume there/)
      await receiver.done
      await receiver.close()
      await proxy.close()
    })
  }

  test('gcp_cloud_storage: a bucket created later is read, and no object is skipped while the server is away', async () => {
    const bucket = newId()
    const proxy = await startTcpProxy(port)
    const receiver = await Receiver.start({ gcp_cloud_storage: { ...own(proxy.port), bucket } })
    await logged(receiver, /ListObjects: /)
    proxy.cut({ refuse: true })
    await newBucket(bucket)
    const objects = Array.from({ length: 100 }, (_, index) => `object ${index + 100}`)
    for (const name of objects) await put(bucket, name, name)
    proxy.restore()
    const first = await receiver.next()
    proxy.cut({ refuse: true })
    await logged(receiver, /(?:Get|Read)Object: /)
    proxy.restore()
    first.answer()
    assert.deepEqual([...first.texts, ...(await receiver.collectDistinct(objects.length - 1))], objects)
    await receiver.close()
    await proxy.close()
  })

  outputContract('gcp_cloud_storage', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const bucket = await newBucket()
      const proxy = await startTcpProxy(port)
      // Names from a counter keep the order in which objects were written.
      const path = `\${! if content() == "poison" { throw("refused") } else { "%05v-%v".format(count("${bucket}"), content().string()) } }`
      const config = { ...own(proxy.port), bucket, path, timeout: '60s' }
      return {
        config: (maxInFlight = 64) => JSON.stringify({ gcp_cloud_storage: { ...config, max_in_flight: maxInFlight } }),
        poison: 'poison',
        delivered: async () => (await names(bucket)).map(name => name.slice('00000-'.length)),
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  const sent = bodies(25)
  inputContract('gcp_cloud_storage', rig, {
    ends: true,
    replays: true,
    reconnects: true,
    resumes: true,
    async open() {
      const bucket = await newBucket()
      for (const body of sent) await put(bucket, body, body)
      const proxy = await startTcpProxy(port)
      const config = JSON.stringify({ gcp_cloud_storage: { ...own(proxy.port), bucket } })
      return { config, bodies: sent, cut: () => proxy.cut(), close: () => proxy.close() }
    },
    async plenty(texts) {
      const bucket = await newBucket()
      await put(bucket, 'large', texts.join('\n'))
      const config = JSON.stringify({ gcp_cloud_storage: { ...own(), bucket, scanner: { lines: {} } } })
      return { config, bodies: texts }
    },
  })

  const buckets = Array.from({ length: 10 }, () => newId())
  test('gcp_cloud_storage: creates the buckets of the caches', async () => {
    for (const bucket of buckets) await newBucket(bucket)
    assert.deepEqual(await names(buckets[0]!), [])
  })
  cacheContract('gcp_cloud_storage', rig, {
    open: () => ({ config: JSON.stringify({ gcp_cloud_storage: { ...own(), bucket: buckets.pop() } }) }),
  })
}
