import { parseMsgpack } from '../../text/msgpack.ts'
import { asBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_msgpack',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Parses [MessagePack](https://msgpack.org/).',
  params: [],
  examples: [['root = this.encoded.decode("base64").parse_msgpack()', '{"encoded":"gaNmb2+jYmFy"}', '{"foo":"bar"}']],
  bareErrors: true,
  create: () => target => parseMsgpack(asBytes(target)),
})
