import type { Value } from '../../bloblang/index.ts'
import { defineProcessor, perMessage } from '../../engine/index.ts'
import { argsField, argumentsOf, connect, connectionFields, databaseConfig, driverFields } from './connection.ts'
import { selectFields, selectQuery } from './queries.ts'

export default defineProcessor({
  name: 'sql_select',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Reads rows of a table for each message and makes them the body.',
  description: 'The body becomes a list of objects, one a row. A message whose query fails is flagged.',
  config: databaseConfig({
    ...driverFields,
    ...selectFields,
    args_mapping: argsField.optional(),
    ...connectionFields,
  }),
  examples: [
    {
      title: 'Look names up',
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
  create(config, resources) {
    const connection = connect(config, resources)
    const query = selectQuery(config)
    return {
      effects: true,
      ...perMessage((message, view, index) => {
        try {
          return message.withDocument(connection.rows(query, argumentsOf(config.args_mapping, view, index)) as Value)
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
      close: () => connection.close(),
    }
  },
})
