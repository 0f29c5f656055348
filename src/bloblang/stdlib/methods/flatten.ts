import { expectArray, isArray } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'flatten',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Replaces each nested array in an array with its elements, one level deep.',
  params: [],
  examples: [['root.flat = this.flatten()', '["a",["b",["c"]],"d"]', '{"flat":["a","b",["c"],"d"]}']],
  create() {
    return target => expectArray(target).flatMap(element => (isArray(element) ? element : [element]))
  },
})
