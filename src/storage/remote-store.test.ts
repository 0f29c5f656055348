import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { type Fault, type S3Server, startS3Server } from '../../test/servers/s3-server.ts'
import type { ObjectStore } from './object-store.ts'
import { objectStoreSuite } from './object-store.suite.ts'
import { openStore } from './open.ts'
import { probeStore } from './probe.ts'
import type { StoreSample } from './remote/remote-store.ts'

process.env['AWS_ACCESS_KEY_ID'] = 'key'
process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
const keys = { accessKeyId: 'key', secretAccessKey: 'secret' }

let plain: S3Server
before(async () => {
  plain = await startS3Server({ bucket: 'data', ...keys })
})
after(() => plain.close())

const open = async (server: S3Server, path = 'data/cluster', query = '', options = {}) =>
  openStore(`s3://${path}?region=eu-west-1&endpoint=${server.endpoint}${query}`, options)

objectStoreSuite('s3://', () => open(plain))
objectStoreSuite('s3:// of an unreliable server', async () => {
  let requests = 0
  // Consecutive faults per object: a call that meets more of them than it has retries would rightly fail.
  const inARow = new Map<string, number>()
  const server = await startS3Server({
    bucket: 'data',
    ...keys,
    fault: ({ path }) => {
      requests++
      const before = inARow.get(path) ?? 0
      const isFaulty = before < 3 && (requests % 5 === 0 || requests % 7 === 0)
      inARow.set(path, isFaulty ? before + 1 : 0)
      if (!isFaulty) return undefined
      return requests % 5 === 0 ? { status: 503 } : { loseAnswer: true }
    },
  })
  const store = await open(server)
  return { ...bound(store), close: () => store.close().then(() => server.close()) }
})

describe('a remote store', () => {
  let faults: (Fault | undefined)[] = []
  let server: S3Server
  let samples: StoreSample[] = []
  let store: ObjectStore
  before(async () => {
    server = await startS3Server({ bucket: 'data', ...keys, fault: () => faults.shift() })
    store = await open(server, 'data', '', {
      onSample: (sample: StoreSample) => samples.push(sample),
      hedgeAfterMs: 20,
    })
  })
  after(() => store.close().then(() => server.close()))
  beforeEach(() => {
    faults = []
    samples = []
  })

  it('recognises its own conditional put when only the answer was lost', async () => {
    faults = [{ loseAnswer: true }]
    await store.put('own', [Buffer.from('x')], { ifAbsent: true })
    await assert.rejects(store.put('own', [Buffer.from('y')], { ifAbsent: true }), { code: 'already_exists' })
    faults = [{ loseAnswer: true }]
    await assert.rejects(store.put('own', [Buffer.from('z')], { ifAbsent: true }), { code: 'already_exists' })
  })

  it('gives up after six attempts, and reports why', async () => {
    faults = Array.from({ length: 6 }, () => ({ status: 503 }))
    await assert.rejects(store.get('any'), { code: 'unavailable', message: /any in bucket data: InternalError/ })
    assert.deepEqual(
      samples.map(({ operation, outcome, requests }) => ({ operation, outcome, requests })),
      [{ operation: 'get', outcome: 'unavailable', requests: 6 }],
    )
  })

  it('does not retry errors that are permanent', async () => {
    faults = [{ status: 400 }]
    await assert.rejects(store.put('bad', [Buffer.from('x')]), { code: 'failed' })
    assert.equal(samples[0]!.requests, 1)
  })

  it('hedges a read that takes unusually long', async () => {
    await store.put('slow', [Buffer.from('x')])
    faults = [{ delayMs: 5_000 }]
    const before = server.requests
    assert.equal((await store.get('slow')).toString(), 'x')
    assert.equal(server.requests - before, 2)
  })

  it('stops immediately when its caller aborts', async () => {
    await store.put('aborted', [Buffer.from('x')])
    faults = [{ delayMs: 30_000 }, { delayMs: 30_000 }]
    await assert.rejects(store.get('aborted', undefined, AbortSignal.timeout(10)), { name: 'TimeoutError' })
  })

  it('puts a large object in parts, also conditionally', async () => {
    const body = [Buffer.alloc(40 * 1024 * 1024, 'a'), Buffer.alloc(30 * 1024 * 1024, 'b')]
    faults = [undefined, { status: 500 }, undefined, { loseAnswer: true }]
    await store.put('large', body, { ifAbsent: true })
    assert.equal((await store.get('large', { position: 40 * 1024 * 1024 - 1, length: 2 })).toString(), 'ab')
    await assert.rejects(store.put('large', body, { ifAbsent: true }), { code: 'already_exists' })
  })

  it('lists more than one page', async () => {
    for (let index = 0; index < 25; index++) await store.put(`page/${String(index).padStart(4, '0')}`, [])
    const listed = await store.list({ prefix: 'page/', after: 'page/0003', limit: 12 })
    assert.deepEqual([listed.length, listed[0]!.key, listed.at(-1)!.key], [12, 'page/0004', 'page/0015'])
  })
})

describe('an unusable bucket', () => {
  const refusal = async (url: string, expected: RegExp) => {
    const store = await openStore(url, { attempts: 1 })
    await assert.rejects(probeStore(store), expected)
    await store.close()
  }

  it('is reported with the reason', async () => {
    const endpoint = `endpoint=${plain.endpoint}`
    await probeStore(await openStore(`s3://data?${endpoint}`))
    await refusal(`s3://none?${endpoint}`, /bucket none: NoSuchBucket.*create it first/)
    await refusal('s3://data?endpoint=http://127.0.0.1:1', /127.0.0.1:1: .*ECONNREFUSED/)
    const other = await startS3Server({ bucket: 'data', accessKeyId: 'key', secretAccessKey: 'another' })
    await refusal(`s3://data?endpoint=${other.endpoint}`, /SignatureDoesNotMatch.*the secret key is wrong/)
    await other.close()
  })

  it('is rejected by its URL', async () => {
    const invalid = async (url: string, message: RegExp) =>
      assert.rejects(openStore(url), { code: 'invalid_url', message })
    await invalid('s3://data?regoin=x', /unknown parameter regoin: known are region/)
    await invalid('s3://?region=x', /does not name a bucket/)
    await invalid('s3://data?forcePathStyle=maybe', /use true or false/)
    await invalid('gs://', /does not name a bucket/)
    await invalid('azblob://container', /AZURE_STORAGE_ACCOUNT/)
  })
})

/** Binds a store's methods, so that they can be spread into another object. */
function bound(store: ObjectStore): ObjectStore {
  return {
    url: store.url,
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
    close: () => store.close(),
  }
}
