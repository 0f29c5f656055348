import { expectArray } from '../../data/coerce.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'concat',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Concatenates the array with the arrays in the arguments.',
  params: [],
  variadic: true,
  bareErrors: true,
  examples: [['root.all = this.a.concat(this.b, this.c)', '{"a":[1],"b":[],"c":[2,3]}', '{"all":[1,2,3]}']],
  create(args) {
    const added = args.flatMap(argument => expectArray(argument as Value)) // arguments of a variadic method are values
    return target => [...expectArray(target), ...added]
  },
})
