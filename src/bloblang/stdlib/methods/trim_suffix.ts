import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'trim_suffix',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Removes a suffix from a string once, if present.',
  params: [{ name: 'suffix', type: 'string', description: 'The suffix to remove.' }],
  examples: [['root.name = this.name.trim_suffix("_foobar")', '{"name":"blobton_foobar"}', '{"name":"blobton"}']],
  create: ([value]) => {
    const suffix = value
    return target =>
      keepKind(target, text => (text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text))
  },
})
