import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { testOutages } from '../../../test/connectors/outage-cases.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { processorContract } from '../../engine/contract/processor.suite.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { AwsFixture } from './fixture.suite.ts'

const address = process.env['PENSTOCK_TEST_AWS']

if (address === undefined) test('aws_s3 connectors', { skip: 'needs a server: npm run test:connectors -- aws' })
else await testS3(new AwsFixture(address))

async function testS3(aws: AwsFixture): Promise<void> {
  const session = aws.session()
  const s3 = { ...session, force_path_style_urls: true }

  const outageBuckets = new Map<string, string>()
  testOutages('aws_s3 out', {
    port: aws.port,
    prepare: async id => void outageBuckets.set(id, await aws.newBucket()),
    output: (id, port) => ({
      aws_s3: {
        bucket: outageBuckets.get(id),
        path: '${! content() }',
        ...aws.session(port),
        force_path_style_urls: true,
      },
    }),
    arrived: id => aws.keysOf(outageBuckets.get(id)!),
  })

  test('aws_s3: an object has the metadata, the headers and the tags that its message gives it', async () => {
    const bucket = await aws.newBucket()
    const sender = await Sender.start({
      aws_s3: {
        bucket,
        path: 'dir/${! @name }.txt',
        content_type: 'text/plain',
        content_encoding: 'identity',
        cache_control: 'no-cache',
        content_disposition: 'inline',
        content_language: 'de',
        metadata: { exclude_prefixes: ['secret_'] },
        tags: { 'a key': 'a + b=c', Name: '${! @name }' },
        storage_class: 'STANDARD_IA',
        ...s3,
      },
    })
    const metadata = { name: 'käse brot', colour: 'blue  and red', secret_x: 'no' }
    await sender.send({ text: 'hello', metadata })
    const { headers, text } = await aws.getObject(bucket, 'dir/käse brot.txt')
    assert.equal(text, 'hello')
    const names = ['content-type', 'cache-control', 'content-disposition', 'content-language', 'x-amz-storage-class']
    assert.deepEqual(
      names.map(name => headers.get(name)),
      ['text/plain', 'no-cache', 'inline', 'de', 'STANDARD_IA'],
    )
    assert.equal(headers.get('x-amz-meta-colour'), 'blue  and red')
    assert.equal(headers.get('x-amz-meta-secret_x'), null)
    assert.match(await aws.tagsOf(bucket, 'dir/käse brot.txt'), /<Key>a key<\/Key><Value>a \+ b=c<\/Value>/)
    await sender.close()
  })

  for (const algorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256']) {
    test(`aws_s3: the ${algorithm} checksum of an object is sent`, async () => {
      const bucket = await aws.newBucket()
      const config = { bucket, path: 'x', checksum_algorithm: algorithm, ...s3 }
      const sender = await Sender.start({ aws_s3: config })
      await sender.send('123456789')
      const known = { CRC32: 'y/Q5Jg==', CRC32C: '4waSgw==' }[algorithm]
      const found = await aws.checksumOf(bucket, 'x', algorithm)
      if (known === undefined) assert.ok(found.length > 20)
      else assert.equal(found, known)
      await sender.close()
    })
  }

  test('aws_s3: a message that cannot be stored fails with the reason, and no other does', async () => {
    const bucket = await aws.newBucket()
    const sender = await Sender.start({
      aws_s3: { bucket: '${! @bucket.or("' + bucket + '") }', path: '${! content() }', ...s3 },
    })
    await assert.rejects(
      sender.send('good', { text: 'bad', metadata: { bucket: 'no-such-bucket' } }, 'fine'),
      /PutObject: NoSuchBucket: The specified bucket does not exist/,
    )
    assert.deepEqual(await aws.keysOf(bucket), ['fine', 'good'])
    await sender.close()
  })

  test('aws_s3: a multipart upload becomes one object', async () => {
    const bucket = await aws.newBucket()
    const sender = await Sender.start({ aws_s3: { bucket, path: 'large', timeout: '60s', ...s3 } })
    const body = 'x'.repeat(64 * 1024 * 1024 + 5)
    await sender.send(body)
    const { text, headers } = await aws.getObject(bucket, 'large')
    assert.equal(text.length, body.length)
    assert.match(headers.get('etag')!, /-5"$/)
    await sender.close()
  })

  test('aws_s3: a missing region, missing credentials and a wrong address are named in the error', async () => {
    for (const [more, reason] of [
      [{ ...s3, region: '' }, /an AWS region is required/],
      [{ ...s3, credentials: { profile: 'nobody' } }, /failed to get shared config profile, nobody/],
    ] as const) {
      const sender = await Sender.start({ aws_s3: { bucket: 'b', ...more } })
      await assert.rejects(sender.send('x'), reason)
      await sender.close()
    }
    const sender = await Sender.start({ aws_s3: { bucket: 'b', ...s3, endpoint: 'http://127.0.0.1:1' } })
    await assert.rejects(sender.send('x'), /PutObject: dial tcp 127.0.0.1:1: connect: connection refused/)
    await sender.close()
  })

  test('aws_s3: a role is assumed with the configured keys', async () => {
    const bucket = await aws.newBucket()
    const credentials = { ...session.credentials, role: 'arn:aws:iam::123456789012:role/writer', role_external_id: 'e' }
    const sender = await Sender.start({ aws_s3: { bucket, path: 'x', ...s3, credentials } })
    await sender.send('assumed')
    assert.equal((await aws.getObject(bucket, 'x')).text, 'assumed')
    await sender.close()
  })

  test('aws_s3: objects are read in the order of their keys, page after page, with their metadata', async () => {
    const bucket = await aws.newBucket()
    const keys = Array.from({ length: 205 }, (_, index) => `in/${String(index).padStart(3, '0')} ü+`)
    for (const key of [...keys, 'out/x']) await aws.putObject(bucket, key, key, { 'x-amz-meta-Colour': 'blue' })
    const receiver = await Receiver.start({ aws_s3: { bucket, prefix: 'in/', ...s3 } })
    const first = await receiver.next()
    first.answer()
    const { metadata } = first.batch[0]!
    assert.deepEqual(
      ['s3_key', 's3_bucket', 's3_content_type', 'colour'].map(name => metadata.get(name)),
      ['in/000 ü+', bucket, 'text/plain', 'blue'],
    )
    assert.match(String(metadata.get('s3_last_modified')), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.equal(typeof metadata.get('s3_last_modified_unix'), 'bigint')
    assert.deepEqual([...first.texts, ...(await receiver.collectDistinct(keys.length - 1))], keys)
    await receiver.done
    await receiver.close()
  })

  test('aws_s3: an object is deleted only once all of its messages are delivered', async () => {
    const bucket = await aws.newBucket()
    await aws.putObject(bucket, 'a', 'one\ntwo')
    const receiver = await Receiver.start({
      aws_s3: { bucket, delete_objects: true, scanner: { lines: {} }, ...s3 },
    })
    const [one, two] = [await receiver.next(), await receiver.next()]
    one.answer()
    two.answer(new Error('not now'))
    const again = await receiver.next()
    assert.deepEqual([again.texts, await aws.keysOf(bucket)], [['two'], ['a']])
    again.answer()
    await receiver.done
    await receiver.close()
    assert.deepEqual(await aws.keysOf(bucket), [])
  })

  test('aws_s3: a connection lost in the middle of an object is reported, and the other objects are read', async () => {
    const bucket = await aws.newBucket()
    for (const key of ['a', 'b', 'c']) await aws.putObject(bucket, key, key)
    const proxy = await startTcpProxy(aws.port)
    const receiver = await Receiver.start({ aws_s3: { bucket, ...s3, ...aws.session(proxy.port) } })
    const first = await receiver.next()
    proxy.cut()
    first.answer()
    assert.deepEqual([...first.texts, ...(await receiver.collectDistinct(2))], ['a', 'b', 'c'])
    await receiver.close()
    await proxy.close()
  })

  const poison = 'poison'
  outputContract('aws_s3', rig, {
    inFlight: 'many',
    without: { hold: 'the server answers at once' },
    async open() {
      const bucket = await aws.newBucket()
      const proxy = await startTcpProxy(aws.port)
      // Keys from a counter keep the order in which objects were written.
      const path = `\${! if content() == "${poison}" { throw("refused") } else { "%05v-%v".format(count("${bucket}"), content().string()) } }`
      const own = { bucket, path, timeout: '60s', ...s3, endpoint: `http://127.0.0.1:${proxy.port}` }
      return {
        config: (maxInFlight = 64) => JSON.stringify({ aws_s3: { ...own, max_in_flight: maxInFlight } }),
        poison,
        delivered: async () => (await aws.keysOf(bucket)).map(key => key.slice('00000-'.length)),
        cut: () => proxy.cut(),
        close: () => proxy.close(),
      }
    },
  })

  const sent = bodies(25)
  inputContract('aws_s3', rig, {
    ends: true,
    replays: true,
    reconnects: true,
    resumes: true,
    async open() {
      const proxy = await startTcpProxy(aws.port)
      const bucket = await aws.newBucket()
      for (const body of sent) await aws.putObject(bucket, body, body)
      const config = JSON.stringify({ aws_s3: { bucket, ...s3, ...aws.session(proxy.port) } })
      return { config, bodies: sent, cut: () => proxy.cut(), close: () => proxy.close() }
    },
  })

  const shared = await aws.newBucket()
  for (let i = 0; i < 8; i++) await aws.putObject(shared, `m${i}`, `{"id":"m${i}"}`)
  processorContract('aws_s3', rig, {
    config: JSON.stringify({ aws_s3: { bucket: shared, key: '${! this.id }', ...s3 } }),
    failing: '{"id":"missing"}',
  })

  const buckets = await Promise.all(Array.from({ length: 10 }, () => aws.newBucket()))
  cacheContract('aws_s3', rig, {
    open: () => ({ config: JSON.stringify({ aws_s3: { bucket: buckets.pop(), ...s3 } }) }),
  })

  test('aws_s3_stream: messages of a partition share an object, whose path is evaluated once', async () => {
    const bucket = await aws.newBucket()
    const sender = await Sender.start({
      aws_s3_stream: {
        bucket,
        path: '${! @day }/${! count("' + bucket + '") }',
        partition_by: ['${! @day }'],
        content_type: 'text/plain',
        content_encoding: 'identity',
        ...s3,
      },
    })
    for (const [text, day] of [
      ['a', 'mon'],
      ['b', 'tue'],
      ['c', 'mon'],
    ] as const) {
      await sender.send({ text, metadata: { day } })
    }
    assert.deepEqual(await aws.keysOf(bucket), [])
    await sender.close()
    assert.deepEqual(await aws.keysOf(bucket), ['mon/1', 'tue/2'])
    const { text, headers } = await aws.getObject(bucket, 'mon/1')
    assert.deepEqual([text, headers.get('content-type')], ['ac', 'text/plain'])
  })

  test('aws_s3_stream: parts are sent when they are full, in order', async () => {
    const bucket = await aws.newBucket()
    const sender = await Sender.start({
      aws_s3_stream: { bucket, path: 'all', max_buffer_bytes: 6_000_000, ...s3 },
    })
    const chunks = ['a', 'b', 'c', 'd', 'e'].map(letter => letter.repeat(2_500_000))
    for (const chunk of chunks) await sender.send(chunk)
    await sender.close()
    const { text, headers } = await aws.getObject(bucket, 'all')
    assert.ok(text === chunks.join(''))
    assert.match(headers.get('etag')!, /-2"$/)
  })

  test('aws_s3_stream: a message whose part cannot be sent fails, and is stored once when retried', async () => {
    const bucket = await aws.newBucket()
    const proxy = await startTcpProxy(aws.port)
    const sender = await Sender.start({
      aws_s3_stream: {
        bucket,
        path: 'all',
        max_buffer_bytes: 6_000_000,
        max_retries: 0,
        ...s3,
        endpoint: `http://127.0.0.1:${proxy.port}`,
      },
    })
    const [first, second] = ['a'.repeat(5_000_000), 'b'.repeat(2_000_000)]
    await sender.send(first)
    proxy.cut({ refuse: true })
    await assert.rejects(sender.send(second), /CreateMultipartUpload: (EOF|dial tcp|read: connection reset)/)
    proxy.restore()
    await sender.send(second)
    await sender.close()
    assert.ok((await aws.getObject(bucket, 'all')).text === first + second)
    await proxy.close()
  })

  outputContract('aws_s3_stream', rig, {
    inFlight: 'many',
    without: { delivered: 'objects appear when the stream ends', hold: 'the server answers at once' },
    async open() {
      const bucket = await aws.newBucket()
      const path = `\${! if content() == "${poison}" { throw("refused") } else { "all" } }`
      return {
        config: (maxInFlight = 64) =>
          JSON.stringify({ aws_s3_stream: { bucket, path, ...s3, max_in_flight: maxInFlight } }),
        poison,
        close: () => undefined,
      }
    },
  })
}
