import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { portOf } from '../../../test/servers/ports.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import type { Peer } from '../../control/index.ts'
import { type ObjectStore, openMemoryStore, type Range } from '../../storage/index.ts'
import { BlockCache, blockBytes } from './block-cache.ts'
import { RangeSeal } from './sealed-range.ts'
import { signatureHeader, ZoneReader } from './zone-reader.ts'

const secret = 'of the cluster'
const key = 'data/1/2'
const body = Buffer.from(Array.from({ length: 64 * 1024 }, (_, index) => index % 251))
const large = Buffer.concat(Array.from({ length: 2 * (blockBytes / body.length) + 1 }, () => body))

/** Reads from the bucket, as `key@position+length`. */
type Reads = string[]

async function bucket(reads: Reads): Promise<Pick<ObjectStore, 'get'>> {
  const store = openMemoryStore()
  await store.put(key, [large])
  return {
    get: (name: string, range?: Range) => {
      reads.push(`${name}@${range?.position}+${range?.length}`)
      return store.get(name, range)
    },
  }
}

interface Member {
  readonly reader: ZoneReader
  readonly server: Server
  readonly peer: Peer
}

/** Agents of a zone, each with a server, that know each other. */
async function members(
  t: TestContext,
  zones: readonly string[],
  reads: Reads,
  kind: Pick<ObjectStore, 'readsAreFree'> = {},
): Promise<Member[]> {
  const store = { ...(await bucket(reads)), ...kind }
  const all = await Promise.all(
    zones.map(async (zone, index): Promise<Member> => {
      const nodeId = index + 1
      const reader = new ZoneReader({ store, nodeId, group: '', zone, clock: systemClock, log: nullLog })
      const server = createServer((request, response) => {
        const signature = String(request.headers[signatureHeader])
        void reader.answer(new URL(request.url!, 'http://agent'), signature).then(answer => {
          response.writeHead(answer.status).end(answer.body)
        })
      })
      await once(server.listen(0, '127.0.0.1'), 'listening')
      t.after(() => {
        server.closeAllConnections()
        server.close()
      })
      const port = portOf(server)
      const peer: Peer = { nodeId, host: '127.0.0.1', port: 1, roles: ['proxy'], group: '', zone, isDraining: false }
      return { reader, server, peer: { ...peer, httpAddress: `127.0.0.1:${port}` } }
    }),
  )
  const peers = all.map(({ peer }) => peer)
  for (const { reader } of all) reader.follow(peers, secret)
  return all
}

const wanted: readonly Range[] = [
  { position: 10, length: 20 },
  { position: blockBytes - 5, length: 10 },
  { position: 2 * blockBytes + 1, length: 1000 },
]

async function readAll({ reader }: Member): Promise<void> {
  for (const { position, length } of wanted)
    assert.deepEqual(await reader.get(key, { position, length }), large.subarray(position, position + length))
}

test('the agents of a zone read each block of an object once, and each zone reads separately', async t => {
  const reads: Reads = []
  const all = await members(t, ['a', 'a', 'a', 'b', 'b'], reads)
  await Promise.all(all.slice(0, 3).map(readAll))
  const once = [0, 1, 2].map(index => `${key}@${index * blockBytes}+${blockBytes}`)
  assert.deepEqual(reads.toSorted(), once.toSorted())
  for (const one of all) await readAll(one)
  assert.deepEqual(reads.toSorted(), [...once, ...once].toSorted())
  const texts = all.slice(0, 3).map(({ reader }) => reader.metricsText())
  const counted = (from: string) =>
    texts.reduce((sum, text) => sum + Number(new RegExp(`from="${from}"\\} (\\d+)`).exec(text)![1]), 0)
  assert.deepEqual([counted('bucket'), counted('own') + counted('neighbour')], [0, 2 * 3 * 4])
})

test('where reads are free, every agent reads what it needs directly from the bucket', async t => {
  const reads: Reads = []
  const all = await members(t, ['a', 'a'], reads, { readsAreFree: true })
  for (const one of all) await readAll(one)
  const needed = wanted.map(({ position, length }) => `${key}@${position}+${length}`)
  assert.deepEqual(reads, [...needed, ...needed])
})

test('an agent that is alone, draining or without a secret reads exactly what it needs', async t => {
  const reads: Reads = []
  const [one, other] = await members(t, ['a', 'a'], reads)
  const alone = [
    () => one!.reader.follow([one!.peer], secret),
    () => one!.reader.follow([one!.peer, { ...other!.peer, isDraining: true }], secret),
    () => one!.reader.follow([{ ...one!.peer, isDraining: true }, other!.peer], secret),
    () => one!.reader.follow([one!.peer, { ...other!.peer, group: 'elsewhere' }], secret),
    () => one!.reader.follow([one!.peer, { ...other!.peer, httpAddress: null }], secret),
    () => one!.reader.follow([one!.peer, other!.peer], undefined),
  ]
  for (const isAlone of alone) {
    reads.length = 0
    isAlone()
    await readAll(one!)
    assert.deepEqual(
      reads,
      wanted.map(({ position, length }) => `${key}@${position}+${length}`),
    )
  }
})

test('reads from the bucket when a neighbour does not answer or answers for another cluster', async t => {
  const [one, other] = await members(t, ['a', 'a'], [])
  other!.reader.follow([one!.peer, other!.peer], 'of another cluster')
  await readAll(one!)
  other!.server.closeAllConnections()
  other!.server.close()
  await readAll(one!)
})

test('an agent serves only callers that know the secret, and at most part of one block', async t => {
  const [one] = await members(t, ['a', 'a'], [])
  const seal = new RangeSeal(secret)
  const ask = (range: { key: string; position: number; length: number }, signature: string) => {
    const query = new URLSearchParams(Object.entries(range).map(([name, value]) => [name, String(value)]))
    return one!.reader.answer(new URL(`http://agent/v1/ranges?${query.toString()}`), signature)
  }
  const range = { key, position: 3, length: 4 }
  const right = await ask(range, seal.sign(range))
  assert.equal(right.status, 200)
  assert.deepEqual(seal.open(range, right.body), large.subarray(3, 7))
  assert.ok(!right.body.includes(large.subarray(3, 7)))
  assert.throws(() => seal.open({ ...range, position: 4 }, right.body))
  assert.equal((await ask(range, seal.sign({ ...range, position: 4 }))).status, 403)
  assert.equal((await ask(range, new RangeSeal('another').sign(range))).status, 403)
  const wide = { key, position: 3, length: blockBytes }
  assert.equal((await ask(wide, seal.sign(wide))).status, 400)
  const missing = { key: 'data/9/9', position: 0, length: 1 }
  assert.equal((await ask(missing, seal.sign(missing))).status, 503)
})

test('the most recently used blocks are kept up to a limit, and concurrent reads are limited too', async () => {
  const reads: Reads = []
  const cache = new BlockCache({ store: await bucket(reads), maxBytes: 2 * blockBytes, maxReads: 2 })
  const first = [cache.get(key, 0), cache.get(key, 0), cache.get(key, 1), cache.get(key, 2)]
  assert.equal(first[3], undefined)
  await Promise.all(first.filter(read => read !== undefined))
  assert.equal(reads.length, 2)
  await cache.get(key, 0)
  await cache.get(key, 2)
  assert.ok(cache.sizeBytes <= 2 * blockBytes)
  await cache.get(key, 0)
  assert.equal(reads.length, 3)
  await cache.get(key, 1)
  assert.equal(reads.length, 4)
})
