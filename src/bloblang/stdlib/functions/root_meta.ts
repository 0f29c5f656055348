import { MappingError } from '../../errors.ts'
import type { MetadataDraft } from '../../metadata-draft.ts'
import { metadataText, metadataTexts } from '../../runtime/metadata-text.ts'
import { type CallContext, defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'root_meta',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'Returns a metadata value of the message that the mapping creates as a string, or `null` if it is empty; without a key, all metadata as an object. `@` keeps the types.',
  params: [{ name: 'key', type: 'string', description: 'The key; if omitted, all metadata.', default: '' }],
  examples: [['meta foo = "bar"\nroot.got = root_meta("foo")', '{}', '{"got":"bar"}']],
  create([key]) {
    if (key === '') return call => metadataTexts(draftOf(call).current)
    return call => metadataText(draftOf(call).current, key)
  },
})

function draftOf(call: CallContext): MetadataDraft {
  if (call.draft === undefined || call.draft === null) {
    throw new MappingError('root metadata cannot be queried in this context')
  }
  return call.draft
}
