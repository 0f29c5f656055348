import type { Value } from '../../bloblang/index.ts'
import { defineProcessor, type Message } from '../../engine/index.ts'
import { argsField, argumentsOf, connect, connectionFields, databaseConfig, driverFields } from './connection.ts'
import { insertFields, insertQuery } from './queries.ts'

export default defineProcessor({
  name: 'sql_insert',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Inserts a row for each message, which goes on unchanged.',
  description:
    'The rows of a batch are inserted together: where one fails, all messages of the batch are flagged and none is there.',
  config: databaseConfig({
    ...driverFields,
    ...insertFields,
    args_mapping: argsField,
    ...connectionFields,
  }),
  create(config, resources) {
    const connection = connect(config, resources)
    const query = insertQuery(config)
    return {
      effects: true,
      process: messages => {
        const results: Message[] = []
        const rows: (readonly Value[])[] = []
        for (const [index, message] of messages.entries()) {
          try {
            rows.push(argumentsOf(config.args_mapping, messages, index))
            results.push(message)
          } catch (error) {
            results.push(resources.fail(message, error))
          }
        }
        try {
          connection.together(() => {
            for (const row of rows) connection.run(query, row)
          })
        } catch (error) {
          return [messages.map(message => resources.fail(message, error))]
        }
        return [results]
      },
      close: () => connection.close(),
    }
  },
})
