import { utf8Bytes } from '../../text/bytes.ts'
import { defineMethod } from '../spec.ts'
import { toText } from '../../data/to-text.ts'

export default defineMethod({
  name: 'bytes',
  categories: ['Type Coercion'],
  status: 'stable',
  description: 'Converts any value to the bytes of its string form (see `string`); bytes are returned unchanged.',
  params: [],
  examples: [['root.first = this.name.bytes().index(0)', '{"name":"foobar"}', '{"first":102}']],
  create() {
    return target => (target instanceof Uint8Array ? target : utf8Bytes(toText(target)))
  },
})
