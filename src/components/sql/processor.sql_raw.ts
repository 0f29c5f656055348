import {
  andThen,
  ConfigError,
  defineProcessor,
  evaluated,
  field,
  perMessage,
  type Resources,
} from '../../engine/index.ts'
import { compileInterpolation } from '../../bloblang/index.ts'
import { connectVerified } from './connect.ts'
import { argumentsOf } from './connection.ts'
import { argsField, connectionFields, databaseConfig, driverFields } from './drivers.ts'
import { failing } from './failing.ts'

export default defineProcessor({
  name: 'sql_raw',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Runs a query for each message and replaces the body with the resulting rows.',
  description:
    'The body becomes an array of objects, one per row; with `exec_only` it is unchanged. A message whose query fails is flagged as failed.',
  config: databaseConfig({
    ...driverFields,
    query: field
      .string('The query, with argument placeholders in the syntax of the driver.')
      .examples('SELECT * FROM t WHERE id = ?;'),
    unsafe_dynamic_query: field
      .bool(
        'Whether `${! }` in the query is interpolated. The text is inserted without escaping, which allows SQL injection.',
      )
      .default(false)
      .advanced(),
    args_mapping: argsField.optional(),
    exec_only: field.bool('Whether the query is only executed, leaving the body unchanged.').default(false),
    ...connectionFields,
  }),
  examples: [
    {
      title: 'Querying without a table',
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
  async create(config, resources) {
    const queryOf = config.unsafe_dynamic_query ? dynamicQuery(config.query, resources) : () => config.query
    const connection = await connectVerified(config, resources)
    const { exec_only: yieldsNothing, args_mapping: mapping, driver } = config
    return {
      effects: true,
      waits: driver !== 'sqlite',
      ...perMessage((message, view, index) =>
        failing(resources, message, () => {
          const args = argumentsOf(mapping, view, index)
          const query = queryOf(view, index)
          if (yieldsNothing) return andThen(connection.run(query, args), () => message)
          return andThen(connection.rows(query, args), rows => message.withDocument(rows))
        }),
      ),
      close: () => connection.close(),
    }
  },
})

type QueryOf = (view: Parameters<typeof argumentsOf>[1], index: number) => string

/** Builds a query from each message. */
export function dynamicQuery(text: string, { host }: Resources): QueryOf {
  const { interpolation, diagnostics } = compileInterpolation(text, { host })
  if (interpolation === undefined) {
    throw new ConfigError(`failed to parse interpolated field: ${diagnostics[0]!.text}`)
  }
  return (view, index) => evaluated('query', () => interpolation.eval(view, index))
}
