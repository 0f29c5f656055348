import { MappingError, WrongTypeError } from '../../errors.ts'
import { withReplacements } from '../../text/bytes.ts'
import { stripHtml } from '../../text/html.ts'
import { keepKind } from '../../text/target.ts'
import { describeWrongType } from '../../data/errors.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'strip_html',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Removes all HTML tags from a string, except those of the elements to preserve, which lose their attributes.',
  params: [{ name: 'preserve', type: 'array', description: 'Names of elements whose tags are kept.', optional: true }],
  examples: [
    [
      'root.stripped = this.value.strip_html()',
      '{"value":"<p>the plain <strong>old text</strong></p>"}',
      '{"stripped":"the plain old text"}',
    ],
    [
      'root.stripped = this.value.strip_html(["article"]) == "<article>the plain old text</article>"',
      '{"value":"<article><p>the plain <strong>old text</strong></p></article>"}',
      '{"stripped":true}',
    ],
  ],
  create: ([preserve]) => {
    const kept = ((preserve ?? []) as readonly Value[]).map(name) // the parameter's type is array
    return target => keepKind(target, text => stripHtml(withReplacements(text), kept))
  },
})

function name(value: Value, index: number): string {
  if (typeof value === 'string') return value
  throw new MappingError(`invalid arg at index ${index}: ${describeWrongType(new WrongTypeError(['string'], value))}`)
}
