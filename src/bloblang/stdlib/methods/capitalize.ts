import { title } from '../../text/case.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'capitalize',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Capitalizes the first letter of every word and converts the rest to lower case, by the Unicode title case rules.',
  params: [],
  examples: [
    ['root.title = this.title.capitalize()', '{"title":"the foo BAR"}', '{"title":"The Foo Bar"}'],
    ['root.title = this.title.capitalize()', '{"title":"ﬁne ǆ"}', '{"title":"Fine ǅ"}'],
  ],
  create: () => target => keepKind(target, title),
})
