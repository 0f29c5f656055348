import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { Mapping } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  defineProcessor,
  field,
  isClosing,
  kept,
  type Message,
  parseDuration,
} from '../../engine/index.ts'
import { packBinary, unpackBinary } from './containers.ts'

/** Prefix of a stored value, a version number that allows for other layouts. */
const LAYOUT = Buffer.from([0, 0, 0, 1])

export default defineProcessor({
  name: 'cached',
  categories: ['Utility'],
  summary: 'Runs processors once per key and afterwards reuses their cached result.',
  description: 'Only message bodies are cached, not their metadata.',
  config: field.object({
    cache: field.string('The cache resource.'),
    skip_on: field
      .mapping('A condition on the result; if it is true, the result is not cached.')
      .examples('errored()')
      .optional(),
    key: field.interpolated('The key.').examples('my_foo_result', '${! this.document.id }'),
    ttl: field.interpolated('The time to live of a cached result.').optional(),
    processors: field.processors('The processors.'),
  }),
  async create(config, resources) {
    if (!resources.hasResource('cache', config.cache)) throw new ConfigError(`cache named ${config.cache} not found`)
    const cache = resources.cache(config.cache)
    const chain = await resources.chain(config.processors)
    const run = async (message: Message): Promise<readonly Message[]> => {
      const key = evaluate('key', () => config.key.eval([message], 0))
      const ttl = evaluate('ttl', () => config.ttl?.eval([message], 0) ?? '')
      const ttlMs = ttl === '' ? undefined : parseTtl(ttl)
      const stored = await cache.get(key)
      if (stored !== undefined) return restore(message, stored)
      const batches = await chain.process([message])
      const results = batches.flat()
      if (batches.some(batch => skips(config.skip_on, batch, text => resources.log.error(text)))) return results
      try {
        await cache.set(key, Buffer.concat([LAYOUT, packBinary(results.map(result => result.bytes()))]), ttlMs)
      } catch (error) {
        resources.log.error(`failed to write result to cache: ${messageOf(error)}`)
      }
      return results
    }
    return {
      waits: chain.waits,
      effects: true,
      async process(batch) {
        const results: Message[] = []
        for (const message of batch) {
          try {
            results.push(...(await run(message)))
          } catch (error) {
            if (isClosing(error)) throw error
            results.push(resources.fail(message, error))
          }
        }
        return kept(results)
      },
      close: () => chain.close(),
    }
  },
})

function evaluate(what: string, run: () => string): string {
  try {
    return run()
  } catch (error) {
    throw new Error(`failed to interpolate ${what} expression: ${messageOf(error)}`)
  }
}

function parseTtl(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new Error(`failed to parse ttl expression: ${messageOf(error)}`, { cause: error })
  }
}

function restore(message: Message, stored: Uint8Array): readonly Message[] {
  if (!LAYOUT.equals(stored.subarray(0, LAYOUT.length))) {
    throw new Error('failed to parse cached result, this indicates the data was not set by this processor')
  }
  return unpackBinary(stored.subarray(LAYOUT.length)).map(body => message.withBytes(body))
}

function skips(condition: Mapping | null | undefined, batch: Batch, log: (text: string) => void): boolean {
  if (condition === null || condition === undefined) return false
  try {
    return condition.check(batch, 0)
  } catch (error) {
    log(`skip_on check failed: ${messageOf(error)}, caching will be skipped as a precaution`)
    return true
  }
}
