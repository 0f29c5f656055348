import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'hostname',
  categories: ['Environment'],
  status: 'stable',
  description: 'Returns the host name of the machine that runs the mapping.',
  params: [],
  impure: true,
  examples: [['root.known = hostname().length() > 0', '{}', '{"known":true}']],
  create(_, host) {
    return () => host.hostname()
  },
})
