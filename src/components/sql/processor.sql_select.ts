import { andThen, defineProcessor, perMessage } from '../../engine/index.ts'
import { connectVerified } from './connect.ts'
import { argumentsOf } from './connection.ts'
import { argsField, connectionFields, databaseConfig, driverFields } from './drivers.ts'
import { failing } from './failing.ts'
import { placeholdersOf, selectFields, selectQuery } from './queries.ts'

export default defineProcessor({
  name: 'sql_select',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Selects rows of a table for each message and replaces the body with them.',
  description: 'The body becomes an array of objects, one per row. A message whose query fails is flagged as failed.',
  config: databaseConfig({
    ...driverFields,
    ...selectFields,
    args_mapping: argsField.optional(),
    ...connectionFields,
  }),
  examples: [
    {
      title: 'Looking up names',
      config: `sql_select:
  driver: sqlite
  dsn: ':memory:'
  table: people
  columns: [ name ]
  where: id = ?
  args_mapping: root = [ this.id ]
  init_statement: |
    CREATE TABLE people (id INTEGER, name TEXT);
    INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob');
`,
      input: ['{"id":2}'],
      output: ['[{"name":"Bob"}]'],
    },
  ],
  async create(config, resources) {
    const connection = await connectVerified(config, resources)
    const query = selectQuery(config, placeholdersOf(config.driver))
    return {
      effects: true,
      waits: config.driver !== 'sqlite',
      ...perMessage((message, view, index) =>
        failing(resources, message, () => {
          const args = argumentsOf(config.args_mapping, view, index)
          return andThen(connection.rows(query, args), rows => message.withDocument(rows))
        }),
      ),
      close: () => connection.close(),
    }
  },
})
