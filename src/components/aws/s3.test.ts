import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { type Fault, startS3Server } from '../../../test/servers/s3-server.ts'

// A server that verifies signatures, which moto does not, and fails on demand.
let fault: (method: string, path: string) => Fault | undefined = () => undefined
const server = await startS3Server({
  bucket: 'objects',
  accessKeyId: 'AKIATEST',
  secretAccessKey: 'secret',
  fault: ({ method, path }) => fault(method, path),
})
after(() => server.close())
const session = {
  region: 'us-east-1',
  endpoint: server.endpoint,
  credentials: { id: 'AKIATEST', secret: 'secret' },
}
const output = (more: object = {}) => ({ aws_s3: { bucket: 'objects', path: '${! @key }', ...session, ...more } })

/** Fails the first `count` puts of a key with the same fault. */
function failing(key: string, count: number, what: Fault): () => number {
  let seen = 0
  fault = (method, path) => (method === 'PUT' && path.includes(key) && seen++ < count ? what : undefined)
  return () => seen
}

async function textsBelow(prefix: string): Promise<readonly string[]> {
  fault = () => undefined
  const receiver = await Receiver.start({ aws_s3: { bucket: 'objects', prefix, ...session } })
  const texts: string[] = []
  void receiver.done.then(() => receiver.close())
  for (;;) {
    const received = await Promise.race([receiver.next(), receiver.done.then(() => null)])
    if (received === null) return texts
    texts.push(...received.texts)
    received.answer()
  }
}

test('the signature covers every header: metadata, tags, encryption', async () => {
  const sender = await Sender.start(
    output({ tags: { 'a key': '${! @colour }' }, server_side_encryption: 'AES256', checksum_algorithm: 'CRC32' }),
  )
  const metadata = { key: 'signed/a=b.c', colour: '  blue   and red ', name: 'käse' }
  await sender.send({ text: 'signed', metadata })
  await sender.close()
  assert.deepEqual(await textsBelow('signed/'), ['signed'])
})

test('a wrong secret is reported for each message', async () => {
  const credentials = { id: 'AKIATEST', secret: 'wrong' }
  const sender = await Sender.start(output({ credentials }))
  await assert.rejects(sender.send({ text: 'x', metadata: { key: 'never' } }), /PutObject: SignatureDoesNotMatch/)
  await sender.close()
  assert.deepEqual(await textsBelow('never'), [])
})

test('requests are retried when the server is overloaded or its response is lost', async () => {
  for (const [key, what] of [
    ['overloaded', { status: 503 }],
    ['lost', { loseAnswer: true }],
  ] as const) {
    const sender = await Sender.start(output())
    const seen = failing(key, 2, what)
    await sender.send({ text: key, metadata: { key } })
    assert.equal(seen(), 3)
    await sender.close()
    assert.deepEqual(await textsBelow(key), [key])
  }
})

test('a message fails after three attempts, or when a slow server exceeds the timeout', async () => {
  const sender = await Sender.start(output({ timeout: '300ms' }))
  const seen = failing('broken', 9, { status: 503 })
  await assert.rejects(sender.send({ text: 'x', metadata: { key: 'broken' } }), /PutObject: |took longer/)
  assert.ok(seen() <= 3)
  failing('slow', 9, { delayMs: 60_000 })
  await assert.rejects(
    sender.send({ text: 'x', metadata: { key: 'slow' } }),
    /the upload took longer than the timeout of 300 ms/,
  )
  await sender.close()
})

test('adding an item succeeds when the first response was lost', async () => {
  const processors = [
    { cache: { resource: 'objects', operator: 'add', key: '${! content() }', value: 'v' } },
    { catch: [{ mapping: 'root = "failed: " + error()' }] },
  ]
  const more = {
    pipeline: { processors },
    cache_resources: [{ label: 'objects', aws_s3: { bucket: 'objects', ...session } }],
  }
  const add = async (key: string) => {
    const receiver = await Receiver.start({ generate: { mapping: `root = "${key}"`, count: 1, interval: '' } }, more)
    const received = await receiver.next()
    received.answer()
    await receiver.done
    await receiver.close()
    return received.texts[0]!
  }
  const seen = failing('item', 1, { loseAnswer: true })
  assert.equal(await add('item'), 'item')
  assert.equal(seen(), 2)
  assert.match(await add('item'), /^failed: key already exists/)
})
