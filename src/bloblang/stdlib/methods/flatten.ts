import { expectArray, isArray } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'flatten',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Replaces each element of an array that is itself an array by its elements. One level only.',
  params: [],
  examples: [['root.flat = this.flatten()', '["a",["b",["c"]],"d"]', '{"flat":["a","b",["c"],"d"]}']],
  create() {
    return target => expectArray(target).flatMap(element => (isArray(element) ? element : [element]))
  },
})
