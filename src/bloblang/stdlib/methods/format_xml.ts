import { WrongTypeError } from '../../errors.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import { formatXml } from '../../text/xml/format.ts'
import { isObject } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'format_xml',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Serializes an object as XML and returns bytes; the inverse of `parse_xml`.',
  params: [
    { name: 'indent', type: 'string', description: 'The indentation of one level.', default: '    ' },
    { name: 'no_indent', type: 'bool', description: 'Whether to print a single line.', default: false },
  ],
  examples: [
    [
      'root = this.format_xml()',
      '{"foo":{"bar":{"baz":"foo bar baz"}}}',
      '<foo>\n    <bar>\n        <baz>foo bar baz</baz>\n    </bar>\n</foo>',
    ],
    [
      'root = this.format_xml(no_indent: true)',
      '{"foo":{"bar":{"baz":"foo bar baz"}}}',
      '<foo><bar><baz>foo bar baz</baz></bar></foo>',
    ],
  ],
  bareErrors: true,
  create:
    ([indent, noIndent]) =>
    target => {
      if (!isObject(target)) throw new WrongTypeError(['object'], target)
      return utf8Bytes(formatXml(target, noIndent === true ? undefined : indent))
    },
})
