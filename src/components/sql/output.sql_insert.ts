import { allDelivered, type Batch, batchingField, defineOutput, maxInFlightField } from '../../engine/index.ts'
import { argsField, argumentsOf, connect, connectionFields, databaseConfig, driverFields } from './connection.ts'
import { insertFields, insertQuery } from './queries.ts'

export default defineOutput({
  name: 'sql_insert',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Inserts a row for each message.',
  description:
    'The rows of a batch are inserted together, all or none. Messages that are no batch succeed or fail each by itself.',
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
    const insert = (batch: Batch, index: number) =>
      connection.run(query, argumentsOf(config.args_mapping, batch, index))
    return {
      write: batch => connection.together(() => batch.forEach((_, index) => insert(batch, index))),
      writeRun(run) {
        try {
          connection.together(() => {
            for (const message of run) insert([message], 0)
          })
          return allDelivered(run)
        } catch {
          // Nothing is there now: each row by itself tells which of them cannot be.
          return run.map(message => failureOf(() => insert([message], 0)))
        }
      },
      close: () => connection.close(),
    }
  },
})

function failureOf(run: () => void): Error | null {
  try {
    run()
    return null
  } catch (error) {
    return error as Error
  }
}
