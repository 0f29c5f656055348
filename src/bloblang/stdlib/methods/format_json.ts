import { asShown } from '../../data/empty-literals.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import { checkJson } from '../../text/check-json.ts'
import { printJson } from '../../json/print.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'format_json',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Serializes a value as JSON and returns bytes. By default, every entry is on a separate line.',
  params: [
    {
      name: 'indent',
      type: 'string',
      description: 'The indentation of one level; if empty, the result is a single line.',
      default: '    ',
    },
    { name: 'no_indent', type: 'bool', description: 'Whether to print a single line.', default: false },
    {
      name: 'escape_html',
      type: 'bool',
      description: 'Whether to escape `<`, `>` and `&`, so that the text can be embedded in HTML.',
      default: true,
    },
  ],
  examples: [
    ['root = this.doc.format_json()', '{"doc":{"foo":"bar"}}', '{\n    "foo": "bar"\n}'],
    ['root = this.doc.format_json(no_indent: true)', '{"doc":{"foo":"bar"}}', '{"foo":"bar"}'],
    [
      'root = this.doc.format_json(indent: "  ", escape_html: false)',
      '{"doc":{"foo":"<bar>"}}',
      '{\n  "foo": "<bar>"\n}',
    ],
  ],
  create: ([indent, noIndent, escapeHtml]) => {
    const isCompact = noIndent === true || indent === ''
    const options = { escapeHtml: escapeHtml === true, ...(isCompact ? {} : { indent: indent }) }
    return target => {
      checkJson(target)
      return utf8Bytes(printJson(asShown(target), options))
    }
  },
})
