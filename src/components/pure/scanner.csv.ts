import type { Value } from '../../bloblang/index.ts'
import { ConfigError, defineScanner, field, Message } from '../../engine/index.ts'
import { expression } from './expression.ts'
import { quoted } from './expression.ts'
import { readAll } from './reading.ts'

export default defineScanner({
  name: 'csv',
  categories: ['Utility'],
  summary: 'Makes each row of a table a message.',
  description: 'With a header row, rows are objects, else arrays. Each message has the metadata `csv_row`, from 0.',
  config: field
    .object({
      custom_delimiter: field.string('What stands between values instead of a comma.').optional(),
      parse_header_row: field.bool('Whether the first row names the columns.').default(true),
      lazy_quotes: field.bool('Whether quotes may stand anywhere.').default(false),
      continue_on_error: field.bool('Whether a row that cannot be read becomes a failed message.').default(false),
      expected_headers: field.string('The names that the header row must have.').list().optional(),
      expected_number_of_fields: field
        .int('The values that each row must have.')
        .optional()
        .lint(value => (Number(value) < 1 ? 'expected_number_of_fields must be at least 1' : undefined)),
    })
    .lint(value => {
      const { parse_header_row: header, expected_headers: expected } = value as {
        parse_header_row?: unknown
        expected_headers?: unknown
      }
      return header === false && Array.isArray(expected) && expected.length > 0
        ? 'expected_headers is set but parse_header_row is false'
        : undefined
    }),
  create(config, resources) {
    const delimiter = config.custom_delimiter ?? ','
    if ([...delimiter].length !== 1) throw new ConfigError('delimiter value must be exactly one character')
    const parse = expression(
      `this.parse_csv(parse_header_row: false, delimiter: ${quoted(delimiter)}, lazy_quotes: ${config.lazy_quotes})`,
      resources.world,
    )
    return {
      scan(source) {
        let isRead = false
        return {
          async next() {
            if (isRead) return null
            isRead = true
            const rows = parse((await readAll(source)).toString('utf8')) as readonly (readonly string[])[]
            const header = config.parse_header_row ? rows[0] : undefined
            checkHeader(header, config.expected_headers)
            const body = config.parse_header_row ? rows.slice(1) : rows
            return body.map((row, index) => {
              const width = config.expected_number_of_fields ?? header?.length
              if (width !== undefined && row.length !== width) throw new Error('record on line: wrong number of fields')
              const value: Value =
                header === undefined ? row : Object.fromEntries(header.map((name, column) => [name, row[column]!]))
              return Message.fromValue(value, new Map(source.metadata).set('csv_row', BigInt(index)))
            })
          },
          close: () => source.close(),
        }
      },
    }
  },
})

function checkHeader(header: readonly string[] | undefined, expected: readonly string[] | undefined): void {
  if (header === undefined || expected === undefined || expected.length === 0) return
  if (header.length === expected.length && header.every((name, index) => name === expected[index])) return
  throw new Error(`header row did not match expected_headers: [${header.join(' ')}]`)
}
