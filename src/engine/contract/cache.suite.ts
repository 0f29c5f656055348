import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { type Cache, defineProcessor, type RateLimit } from '../component.ts'
import { field } from '../fields.ts'
import { orHung, type Rig } from './rig.ts'
import { startStream } from '../runtime/stream.ts'

/** A cache as YAML, and how to clean up after it. */
export interface CacheHarness {
  /** The cache on one line, `{ memory: {} }`, and other resources as `, { label: … }`. */
  open(): { readonly config: string; readonly others?: string; close?(): void }
  /** Why an item cannot be read back, if so. */
  readonly forgets?: string
  /** Why not every text is a valid key, if so. */
  readonly narrowKeys?: string
  /** Why adding an existing key is an error, if so. */
  readonly failsToAdd?: string
}

/** Tests that a cache keeps the contract. */
export function cacheContract(name: string, rig: Rig, harness: CacheHarness): void {
  for (const property of cacheProperties) {
    test(`cache ${name}: ${property.name}`, async context => {
      const skipped = property.skipped?.(harness)
      if (skipped !== undefined) return context.skip(skipped)
      const { config, others = '', close } = harness.open()
      try {
        await withResource(rig, `cache_resources: [ { label: tried, ${config.slice(1, -1)} }${others} ]\n`, resources =>
          property.check(resources.cache('tried')),
        )
      } finally {
        close?.()
      }
    })
  }
}

interface CacheProperty {
  readonly name: string
  readonly skipped?: (harness: CacheHarness) => string | undefined
  readonly check: (cache: Cache) => Promise<void>
}

const keeps = ({ forgets }: CacheHarness) => forgets
const adds = ({ forgets, failsToAdd }: CacheHarness) => forgets ?? failsToAdd

/** The properties that every cache must have. */
const cacheProperties: readonly CacheProperty[] = [
  {
    name: 'returns a stored value byte for byte until it is deleted',
    skipped: ({ forgets, narrowKeys }) => forgets ?? narrowKeys,
    async check(cache) {
      const value = Uint8Array.of(0, 255, 10, 13, 128, 65)
      await cache.set('a key/with: odd %chars', value)
      assert.deepEqual([...((await cache.get('a key/with: odd %chars')) ?? [])], [...value])
      await cache.delete('a key/with: odd %chars')
      assert.equal(await cache.get('a key/with: odd %chars'), undefined)
    },
  },
  {
    name: 'returns nothing for an unknown key, which can be deleted',
    async check(cache) {
      assert.equal(await cache.get('never'), undefined)
      await cache.delete('never')
    },
  },
  {
    name: 'replaces the value of a key',
    skipped: keeps,
    async check(cache) {
      await cache.set('k', bytes('one'))
      await cache.set('k', bytes('two'))
      assert.equal(text(await cache.get('k')), 'two')
    },
  },
  {
    name: 'lets only one of many concurrent adds of a key succeed',
    skipped: adds,
    async check(cache) {
      const added = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => await cache.add('k', bytes(String(index)))),
      )
      assert.equal(added.filter(Boolean).length, 1)
      assert.equal(text(await cache.get('k')), String(added.indexOf(true)))
    },
  },
  {
    name: 'lets a deleted key be added again',
    skipped: adds,
    async check(cache) {
      assert.equal(await cache.add('k', bytes('one')), true)
      assert.equal(await cache.add('k', bytes('two')), false)
      await cache.delete('k')
      assert.equal(await cache.add('k', bytes('three')), true)
    },
  },
  {
    name: 'keeps concurrent writes of different keys apart',
    skipped: keeps,
    async check(cache) {
      const keys = Array.from({ length: 50 }, (_, index) => `k${index}`)
      await Promise.all(keys.map(async key => await cache.set(key, bytes(key))))
      assert.deepEqual(await Promise.all(keys.map(async key => text(await cache.get(key)))), keys)
    },
  },
  {
    name: 'treats an empty value as a value',
    skipped: adds,
    async check(cache) {
      await cache.set('k', new Uint8Array(0))
      assert.equal((await cache.get('k'))?.length, 0)
      assert.equal(await cache.add('k', bytes('x')), false)
    },
  },
]

/** A rate limit as YAML that allows `count` uses per interval; the interval does not end during the test. */
export interface RateLimitHarness {
  open(count: number): { readonly config: string; close?(): void }
}

/** Tests that a rate limit keeps the contract. */
export function rateLimitContract(name: string, rig: Rig, harness: RateLimitHarness): void {
  for (const property of rateLimitProperties) {
    test(`rate limit ${name}: ${property.name}`, async () => {
      const { config, close } = harness.open(5)
      try {
        await withResource(rig, `rate_limit_resources: [ { label: tried, ${config.slice(1, -1)} } ]\n`, resources =>
          property.check(resources.rateLimit('tried')),
        )
      } finally {
        close?.()
      }
    })
  }
}

interface RateLimitProperty {
  readonly name: string
  readonly check: (limit: RateLimit) => Promise<void>
}

const rateLimitProperties: readonly RateLimitProperty[] = [
  {
    name: 'grants the allowed number of uses and delays the next one',
    async check(limit) {
      for (let i = 0; i < 5; i++) assert.equal(await limit.access(), 0)
      assert.ok((await limit.access()) > 0)
    },
  },
  {
    name: 'shares the limit among concurrent uses',
    async check(limit) {
      const waits = await Promise.all(Array.from({ length: 12 }, async () => await limit.access()))
      assert.equal(waits.filter(wait => wait === 0).length, 5)
    },
  },
]

/** Runs a function with the resources of a stream's processor, which are what any component gets. */
async function withResource(
  rig: Rig,
  config: string,
  use: (resources: Parameters<Parameters<typeof defineProcessor>[0]['create']>[1]) => Promise<void>,
): Promise<void> {
  const outcome = Promise.withResolvers<void>()
  const user = defineProcessor({
    name: 'user',
    summary: 'Uses a resource, for a suite.',
    config: field.anyObject('').default({}),
    create: (_, resources) => ({
      async process(batch) {
        await use(resources).then(outcome.resolve, outcome.reject)
        return [batch]
      },
    }),
  })
  const registry = rig.registry.extended([user])
  const text = `input: { generate: { count: 1, interval: '', mapping: 'root = 1' } }\npipeline: { processors: [ { user: {} } ] }\noutput: { drop: {} }\n${config}`
  const stream = await startStream(text, { registry, host: rig.host, clock: systemClock, log: nullLog })
  try {
    await orHung(rig, outcome.promise, 'the resource does not answer')
  } finally {
    await stream.stop(1000)
  }
}

function bytes(value: string): Uint8Array {
  return Buffer.from(value)
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString()
}
