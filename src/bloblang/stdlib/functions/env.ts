import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'env',
  categories: ['Environment'],
  status: 'stable',
  description:
    'Returns the value of an environment variable, or `null` if it is not set. The variable is read once, when the mapping is parsed, unless `no_cache` is set or the name is computed.',
  params: [
    { name: 'name', type: 'string', description: 'The name of the variable.' },
    { name: 'no_cache', type: 'bool', default: false, description: 'Whether to read it on every call.' },
  ],
  needs: 'environment',
  impure: true,
  folds: ([, noCache]) => noCache !== true,
  examples: [['root.key = env("SURELY_NOT_SET_ANYWHERE").or("default")', '{}', '{"key":"default"}']],
  create([name, noCache], host) {
    const read = () => host.env(name) ?? null
    if (noCache === true) return read
    const value = read()
    return () => value
  },
})
