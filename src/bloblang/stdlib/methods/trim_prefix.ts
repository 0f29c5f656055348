import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'trim_prefix',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Removes a prefix from a string once, if present.',
  params: [{ name: 'prefix', type: 'string', description: 'The prefix to remove.' }],
  examples: [['root.name = this.name.trim_prefix("foobar_")', '{"name":"foobar_blobton"}', '{"name":"blobton"}']],
  create: ([value]) => {
    const prefix = value
    return target => keepKind(target, text => (text.startsWith(prefix) ? text.slice(prefix.length) : text))
  },
})
