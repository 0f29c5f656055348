import { messageOf } from '../../base/index.ts'
import { createHash } from 'node:crypto'
import { ConfigError, defineRateLimit, field, type RateLimit } from '../../engine/index.ts'
import { clientFields, OnDemandClient } from './client.ts'

// The first use starts an interval; uses above the limit return the time until it ends.
const text = `local uses = redis.call("INCR", KEYS[1])
if uses == 1 then
  redis.call("PEXPIRE", KEYS[1], ARGV[2])
end
if uses <= tonumber(ARGV[1]) then
  return 0
end
local left = redis.call("PTTL", KEYS[1])
if left < 0 then
  redis.call("PEXPIRE", KEYS[1], ARGV[2])
  return tonumber(ARGV[2])
end
return left
`

export default defineRateLimit({
  name: 'redis',
  status: 'experimental',
  summary: 'Counts in Redis, across all streams that use the same key.',
  description: 'All of these streams must have the same `count` and `interval`.',
  config: field.object({
    ...clientFields,
    count: field
      .int('The number of uses per interval.')
      .default(1000)
      .lint(value => (Number(value) <= 0 ? 'count must be larger than zero' : undefined)),
    interval: field.duration('The interval.').default('1s'),
    key: field.string('The key that holds the count.'),
  }),
  requires: ['redis'],
  needs: ['network'],
  create(config, resources): RateLimit {
    const { count, interval: intervalMs = 1000, key } = config
    if (count <= 0) throw new ConfigError('count must be larger than zero')
    const script = { text, sha1: createHash('sha1').update(text).digest('hex') }
    const client = new OnDemandClient(config, resources)
    return {
      async access() {
        try {
          return Number(await client.script(script, [key], [String(count), String(Math.round(intervalMs))]))
        } catch (error) {
          throw new Error(`accessing redis rate limit: ${messageOf(error)}`, { cause: error })
        }
      },
      close: () => client.close(),
    }
  },
})
