import { MappingError } from '../../errors.ts'
import { asBytes } from '../../text/target.ts'
import { parseXml } from '../../text/xml/parse.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_xml',
  categories: ['Parsing'],
  status: 'stable',
  description:
    'Parses a string as XML; elements become fields. Attribute names are prefixed with a hyphen; the text of an element that also has attributes or children becomes the field `#text`; elements of the same name become an array. Comments, directives and processing instructions are ignored.',
  params: [
    {
      name: 'cast',
      type: 'bool',
      description: 'Whether to convert text that is a number or a boolean to that type.',
      optional: true,
      default: false,
    },
  ],
  examples: [
    [
      'root.doc = this.doc.parse_xml()',
      '{"doc":"<root><title>This is a title</title><number id=\\"99\\">123</number></root>"}',
      '{"doc":{"root":{"number":{"#text":"123","-id":"99"},"title":"This is a title"}}}',
    ],
    [
      'root.doc = this.doc.parse_xml(cast: true)',
      '{"doc":"<root><number>123</number><bool>True</bool></root>"}',
      '{"doc":{"root":{"bool":true,"number":123}}}',
    ],
  ],
  bareErrors: true,
  create:
    ([cast]) =>
    target =>
      parse(asBytes(target), cast === true),
})

function parse(bytes: Uint8Array, cast: boolean): Value {
  try {
    return parseXml(bytes, cast)
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    throw new MappingError(`failed to parse value as XML: ${error.message}`)
  }
}
