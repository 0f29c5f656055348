import { type Cache, ConfigError, defineCache, field } from '../../engine/index.ts'

export default defineCache({
  name: 'multilevel',
  summary: 'Combines several caches, which are searched in order, fastest first.',
  description: 'An item found in a later cache is stored in those before it.',
  config: field.string('The cache resources, in order.').list(),
  create(labels, resources): Cache {
    if (labels.length < 2) throw new ConfigError(`expected at least two cache levels, found ${labels.length}`)
    const levels = labels.map(label => resources.cache(label))
    const last = levels.at(-1)!
    const setAll = async (key: string, value: Uint8Array, ttlMs: number | undefined, until: number) => {
      for (const level of levels.slice(0, until)) await level.set(key, value, ttlMs)
    }
    return {
      async get(key) {
        for (const [depth, level] of levels.entries()) {
          const value = await level.get(key)
          if (value === undefined) continue
          await setAll(key, value, undefined, depth)
          return value
        }
        return undefined
      },
      set: (key, value, ttlMs) => setAll(key, value, ttlMs, levels.length),
      async add(key, value, ttlMs) {
        for (const level of levels.slice(0, -1)) if ((await level.get(key)) !== undefined) return false
        if (!(await last.add(key, value, ttlMs))) return false
        await setAll(key, value, ttlMs, levels.length - 1)
        return true
      },
      async delete(key) {
        for (const level of levels) await level.delete(key)
      },
    }
  },
})
