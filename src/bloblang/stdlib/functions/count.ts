import { defineFunction } from '../spec.ts'

/** Counters are process-wide and shared by name among all mappings. */
const counts = new Map<string, bigint>()

export default defineFunction({
  name: 'count',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'Returns the number of calls so far, starting at 1. Each name has a separate count, shared by all mappings of the process. Use `counter` instead.',
  params: [{ name: 'name', type: 'string', description: 'The name of the counter.' }],
  impure: true,
  examples: [['root.id = count("function_example")', '{}', '{"id":1}']],
  create([name]) {
    return () => {
      const next = (counts.get(name) ?? 0n) + 1n
      counts.set(name, next)
      return next
    }
  },
})
