import { typeOf } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'type',
  categories: ['Type Coercion'],
  status: 'stable',
  description:
    'Returns the type of a value: `string`, `bytes`, `number`, `bool`, `timestamp`, `array`, `object` or `null`.',
  params: [],
  examples: [
    [
      'root.types = this.map_each(v -> v.type())',
      '["a",1,true,null,[],{}]',
      '{"types":["string","number","bool","null","array","object"]}',
    ],
    ['root.type = content().type()', 'foo', '{"type":"bytes"}'],
  ],
  create() {
    return typeOf
  },
})
