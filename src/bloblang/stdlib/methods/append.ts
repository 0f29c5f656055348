import { expectArray } from '../../data/coerce.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'append',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the array with the arguments appended, each as one element.',
  params: [],
  variadic: true,
  examples: [['root.path = this.path.append("and", ["so"])', '{"path":["here"]}', '{"path":["here","and",["so"]]}']],
  create(args) {
    // Arguments of a variadic method are values.
    return target => [...expectArray(target), ...(args as readonly Value[])]
  },
})
