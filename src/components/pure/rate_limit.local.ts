import { ConfigError, defineRateLimit, field, type RateLimit } from '../../engine/index.ts'

const negative = (name: string) => (value: unknown) =>
  Number(value) < 0 ? `${name} cannot be less than zero` : undefined

export default defineRateLimit({
  name: 'local',
  summary: 'Limits this stream only, with counters in memory.',
  config: field.object({
    count: field.int('Uses per interval; 0 means no such limit.').default(1000).lint(negative('count')),
    byte_size: field.int('Bytes per interval; 0 means no such limit.').default(0).lint(negative('byte_size')),
    interval: field.duration('The interval.').default('1s'),
  }),
  create(config, resources): RateLimit {
    const { count, byte_size: bytes, interval: intervalMs = 1000 } = config
    if (count < 0 || bytes < 0) throw new ConfigError('neither byte size nor count can be negative')
    if (count === 0 && bytes === 0) throw new ConfigError('either count or byte size must be larger than zero')
    const now = () => resources.clock.monotonic()
    let left = count
    let startedAt = now()
    return {
      access() {
        if (count === 0) return 0
        left--
        if (left >= 0) return 0
        const waitMs = intervalMs - (now() - startedAt)
        if (waitMs > 0) return waitMs
        left = count - 1
        startedAt = now()
        return 0
      },
    }
  },
})
