import { MappingError } from '../../errors.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'var',
  categories: [],
  status: 'hidden',
  description: 'Returns the value of a variable, as `$name` does.',
  params: [{ name: 'name', type: 'string', description: 'The name of the variable.' }],
  examples: [['let a = 5\nroot.b = var("a")', '{}', '{"b":5}']],
  create([name]) {
    return ({ variables }) => {
      const value = variables.get(name)
      if (value === undefined) throw new MappingError(`variable '${name}' undefined`)
      return value
    }
  },
})
