import { trimCutset, trimSpace } from '../../text/trim.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'trim',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Removes the characters of the argument, or white space if there is none, from both ends of a string.',
  params: [{ name: 'cutset', type: 'string', description: 'The characters to remove.', optional: true }],
  examples: [
    ['root.title = this.title.trim("!?")', '{"title":"!!!watch out!?"}', '{"title":"watch out"}'],
    ['root.description = this.description.trim()', '{"description":"  something  "}', '{"description":"something"}'],
  ],
  create:
    ([cutset]) =>
    target =>
      keepKind(target, cutset === undefined ? trimSpace : text => trimCutset(text, cutset)),
})
