import type { Value } from '../../bloblang/index.ts'
import { ConfigError, defineProcessor, field, perMessage, type Resources } from '../../engine/index.ts'
import { compileInterpolation } from '../../bloblang/index.ts'
import { argsField, argumentsOf, connect, connectionFields, databaseConfig, driverFields } from './connection.ts'

export default defineProcessor({
  name: 'sql_raw',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Runs a query for each message and makes its rows the body.',
  description:
    'The body becomes a list of objects, one a row; with `exec_only` it stays. A message whose query fails is flagged.',
  config: databaseConfig({
    ...driverFields,
    query: field.string('The query, with `?` for arguments.').examples('SELECT * FROM t WHERE id = ?;'),
    unsafe_dynamic_query: field
      .bool('Whether the query may hold `${! }`: what stands there is put into it as it is, and may do anything.')
      .default(false)
      .advanced(),
    args_mapping: argsField.optional(),
    exec_only: field.bool('Whether the query yields nothing.').default(false),
    ...connectionFields,
  }),
  examples: [
    {
      title: 'Ask without a table',
      config: `sql_raw:
  driver: sqlite
  dsn: ':memory:'
  query: SELECT ? AS name, 1 + 1 AS n
  args_mapping: root = [ this.name ]
`,
      input: ['{"name":"pen"}'],
      output: ['[{"n":2,"name":"pen"}]'],
    },
  ],
  create(config, resources) {
    const queryOf = config.unsafe_dynamic_query ? dynamicQuery(config.query, resources) : () => config.query
    const connection = connect(config, resources)
    return {
      effects: true,
      ...perMessage((message, view, index) => {
        try {
          const args = argumentsOf(config.args_mapping, view, index)
          const query = queryOf(view, index)
          if (!config.exec_only) return message.withDocument(connection.rows(query, args) as Value)
          connection.run(query, args)
          return message
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
      close: () => connection.close(),
    }
  },
})

type QueryOf = (view: Parameters<typeof argumentsOf>[1], index: number) => string

/** A query that is made from each message. */
export function dynamicQuery(text: string, { host }: Resources): QueryOf {
  const { interpolation, diagnostics } = compileInterpolation(text, { host })
  if (interpolation === undefined) {
    throw new ConfigError(`failed to parse interpolated field: ${diagnostics[0]!.text}`)
  }
  return (view, index) => {
    try {
      return interpolation.eval(view, index)
    } catch (error) {
      throw new Error(`query interpolation error: ${(error as { message: string }).message}`)
    }
  }
}
