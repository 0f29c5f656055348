import { asShown } from '../../data/empty-literals.ts'
import { formatMsgpack } from '../../text/msgpack.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'format_msgpack',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Serializes a value as [MessagePack](https://msgpack.org/) and returns bytes.',
  params: [],
  examples: [['root = this.format_msgpack().encode("hex")', '{"foo":"bar"}', '81a3666f6fa3626172']],
  bareErrors: true,
  create: () => target => formatMsgpack(asShown(target)),
})
