import { expectArray } from '../../data/coerce.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'concat',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Joins the array and the arrays of the arguments into one.',
  params: [],
  variadic: true,
  bareErrors: true,
  examples: [['root.all = this.a.concat(this.b, this.c)', '{"a":[1],"b":[],"c":[2,3]}', '{"all":[1,2,3]}']],
  create(args) {
    const added = args.flatMap(argument => expectArray(argument as Value)) // arguments of a variadic method are values
    return target => [...expectArray(target), ...added]
  },
})
