import { MappingError } from '../../errors.ts'
import { parseCsv } from '../../text/csv.ts'
import { bytesOrString } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_csv',
  categories: ['Parsing'],
  status: 'stable',
  description:
    'Parses a string as CSV (RFC 4180) into an array of objects, with the first row as field names, or into an array of arrays.',
  params: [
    {
      name: 'parse_header_row',
      type: 'bool',
      description: 'Whether the first row holds the field names.',
      default: true,
    },
    { name: 'delimiter', type: 'string', description: 'The character that separates fields.', default: ',' },
    {
      name: 'lazy_quotes',
      type: 'bool',
      description: 'Whether to allow quotes in unquoted fields and unescaped quotes in quoted fields.',
      default: false,
    },
  ],
  examples: [
    [
      'root.orders = this.orders.parse_csv()',
      '{"orders":"foo,bar\\nfoo 1,bar 1\\nfoo 2,bar 2"}',
      '{"orders":[{"bar":"bar 1","foo":"foo 1"},{"bar":"bar 2","foo":"foo 2"}]}',
    ],
    [
      'root.orders = this.orders.parse_csv(false)',
      '{"orders":"foo,bar\\nfoo 1,bar 1"}',
      '{"orders":[["foo","bar"],["foo 1","bar 1"]]}',
    ],
    [
      'root.orders = this.orders.parse_csv(delimiter: ";", lazy_quotes: true)',
      '{"orders":"a;b\\nx \\"y;z"}',
      '{"orders":[{"a":"x \\"y","b":"z"}]}',
    ],
  ],
  create:
    ([hasHeader, delimiter, lazyQuotes]) =>
    target => {
      if (Array.from(delimiter).length !== 1) {
        throw new MappingError('delimiter value must be exactly one character')
      }
      const records = parseCsv(bytesOrString(target), {
        delimiter: delimiter,
        lazyQuotes: lazyQuotes === true,
      })
      const [header, ...rows] = records
      if (header === undefined) throw new MappingError('zero records were parsed')
      if (hasHeader !== true) return records
      return rows.map(row => Object.fromEntries(header.map((name, column) => [name, row[column]!])))
    },
})
