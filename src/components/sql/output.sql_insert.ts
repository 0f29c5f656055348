import { batchingField, defineOutput, maxInFlightField } from '../../engine/index.ts'
import { argsField, argumentsOf, connect, connectionFields, databaseConfig, driverFields } from './connection.ts'
import { insertFields, insertQuery } from './queries.ts'

export default defineOutput({
  name: 'sql_insert',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Inserts a row for each message.',
  description: 'The rows of a batch are inserted together, all or none.',
  config: databaseConfig({
    ...driverFields,
    ...insertFields,
    args_mapping: argsField,
    max_in_flight: maxInFlightField(64),
    ...connectionFields,
    batching: batchingField,
  }),
  create(config, resources) {
    const query = insertQuery(config)
    const connection = connect(config, resources)
    return {
      write({ messages, solo }) {
        connection.together(() => {
          for (const [index, message] of messages.entries()) {
            const args = solo
              ? argumentsOf(config.args_mapping, [message], 0)
              : argumentsOf(config.args_mapping, messages, index)
            connection.run(query, args)
          }
        })
      },
      close: () => connection.close(),
    }
  },
})
