import { slug } from '../../text/slug.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'slug',
  categories: ['String Manipulation'],
  status: 'beta',
  description:
    'Converts a string to a URL slug: ASCII letters, with words joined by hyphens. Some characters are spelled out in the given language.',
  params: [
    {
      name: 'lang',
      type: 'string',
      description: 'The language, such as `en`, `de` or `fr`.',
      optional: true,
      default: 'en',
    },
  ],
  examples: [
    ['root.slug = this.value.slug()', '{"value":"Gopher & Bento"}', '{"slug":"gopher-and-bento"}'],
    [
      'root.slug = this.value.slug("fr")',
      '{"value":"Gaufre & Poisson d\'Eau Profonde"}',
      '{"slug":"gaufre-et-poisson-deau-profonde"}',
    ],
  ],
  bareErrors: true,
  create:
    ([language]) =>
    target =>
      slug(getString(target), language),
})
