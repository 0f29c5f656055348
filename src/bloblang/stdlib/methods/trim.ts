import { trimCutset, trimSpace } from '../../text/trim.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'trim',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Removes characters from both ends of a string: those of the argument, or white space where there is none.',
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
