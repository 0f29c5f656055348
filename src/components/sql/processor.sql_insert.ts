import type { Value } from '../../bloblang/index.ts'
import { type Batch, defineProcessor, type Message } from '../../engine/index.ts'
import { connectVerified } from './connect.ts'
import { argumentsOf } from './connection.ts'
import { argsField, connectionFields, databaseConfig, driverFields } from './drivers.ts'
import { insertFields } from './queries.ts'

export default defineProcessor({
  name: 'sql_insert',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Inserts a row for each message, which passes through unchanged.',
  description:
    'The rows of a batch are inserted together: if one fails, none is inserted and all messages of the batch are flagged as failed.',
  config: databaseConfig({
    ...driverFields,
    ...insertFields,
    args_mapping: argsField,
    ...connectionFields,
  }),
  async create(config, resources) {
    const connection = await connectVerified(config, resources)
    const insertAll = async (messages: Batch): Promise<readonly Batch[]> => {
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
        if (rows.length > 0) await connection.insert(config, rows)
      } catch (error) {
        return [messages.map(message => resources.fail(message, error))]
      }
      return [results]
    }
    return { effects: true, waits: config.driver !== 'sqlite', process: insertAll, close: () => connection.close() }
  },
})
