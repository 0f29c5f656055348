import { batchingField, defineOutput, deliverEachOf, field, maxInFlightField } from '../../engine/index.ts'
import { connectVerified } from './connect.ts'
import { argumentsOf } from './connection.ts'
import { argsField, connectionFields, databaseConfig, driverFields } from './drivers.ts'
import { dynamicQuery } from './processor.sql_raw.ts'

export default defineOutput({
  name: 'sql_raw',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Runs a query for each message.',
  config: databaseConfig({
    ...driverFields,
    query: field
      .string('The query, with argument placeholders in the syntax of the driver.')
      .examples('INSERT INTO t (a, b) VALUES (?, ?);'),
    unsafe_dynamic_query: field
      .bool(
        'Whether `${! }` in the query is interpolated. The text is inserted without escaping, which allows SQL injection.',
      )
      .default(false)
      .advanced(),
    args_mapping: argsField.optional(),
    max_in_flight: maxInFlightField(64),
    ...connectionFields,
    batching: batchingField,
  }),
  async create(config, resources) {
    const queryOf = config.unsafe_dynamic_query ? dynamicQuery(config.query, resources) : () => config.query
    const connection = await connectVerified(config, resources)
    return {
      connect: () => connection.open(),
      write: batch =>
        deliverEachOf(batch, (_, index) =>
          connection.run(queryOf(batch, index), argumentsOf(config.args_mapping, batch, index)),
        ),
      close: () => connection.close(),
    }
  },
})
