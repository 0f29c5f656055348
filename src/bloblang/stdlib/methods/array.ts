import { isArray } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'array',
  categories: ['Type Coercion'],
  status: 'stable',
  description: 'Wraps a value in an array of one element; an array is returned unchanged.',
  params: [],
  examples: [
    ['root.tags = this.tag.array()', '{"tag":"blue"}', '{"tags":["blue"]}'],
    ['root.tags = this.tag.array()', '{"tag":["blue"]}', '{"tags":["blue"]}'],
  ],
  create() {
    return target => (isArray(target) ? target : [target])
  },
})
