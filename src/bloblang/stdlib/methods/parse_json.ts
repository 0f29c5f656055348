import { parseFirstJson } from '../../text/parse-json.ts'
import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_json',
  categories: ['Parsing'],
  status: 'stable',
  description: 'Parses a string as JSON. Numbers become floats unless `use_number` is set.',
  params: [
    {
      name: 'use_number',
      type: 'bool',
      description: 'Whether to keep the text of numbers, which preserves the digits of long ones.',
      optional: true,
    },
  ],
  examples: [
    ['root.doc = this.doc.parse_json()', '{"doc":"{\\"foo\\":\\"bar\\"}"}', '{"doc":{"foo":"bar"}}'],
    [
      'root.doc = this.doc.parse_json(use_number: true)',
      '{"doc":"{\\"foo\\":11380878173205700000000000000000000000000000000}"}',
      '{"doc":{"foo":11380878173205700000000000000000000000000000000}}',
    ],
  ],
  create:
    ([useNumber]) =>
    target =>
      parseFirstJson(stringOrBytes(target), useNumber === true),
})
