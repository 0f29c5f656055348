import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'hostname',
  categories: ['Environment'],
  status: 'stable',
  description: 'Returns the name of the machine that the mapping runs on.',
  params: [],
  impure: true,
  examples: [['root.known = hostname().length() > 0', '{}', '{"known":true}']],
  create(_, host) {
    return () => host.hostname()
  },
})
