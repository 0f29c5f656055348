import { defineMethod } from '../spec.ts'
import { toText } from '../../data/to-text.ts'

export default defineMethod({
  name: 'string',
  categories: ['Type Coercion'],
  status: 'stable',
  description:
    'Converts any value to a string: numbers from a document as written there, floats in their shortest form (`1e+06`), arrays and objects as JSON.',
  params: [],
  examples: [
    ['root.json = this.string()', '{"b":1,"a":[1.50]}', '{"json":"{\\"a\\":[1.50],\\"b\\":1}"}'],
    ['root.id = this.id.string()', '{"id":228930314431312345}', '{"id":"228930314431312345"}'],
  ],
  create() {
    return toText
  },
})
