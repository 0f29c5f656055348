import { title } from '../../text/case.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'capitalize',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Gives every word a capital first letter and lower case for the rest, by the Unicode title case rules.',
  params: [],
  examples: [
    ['root.title = this.title.capitalize()', '{"title":"the foo BAR"}', '{"title":"The Foo Bar"}'],
    ['root.title = this.title.capitalize()', '{"title":"ﬁne ǆ"}', '{"title":"Fine ǅ"}'],
  ],
  create: () => target => keepKind(target, title),
})
