import { autoReplayNacksField, defineInput, field, Message } from '../../engine/index.ts'
import { checkDriver, connect } from './connect.ts'
import { argumentsOf } from './connection.ts'
import { argsField, connectionFields, databaseConfig, driverFields } from './drivers.ts'
import { RowsInput } from './rows-input.ts'

export default defineInput({
  name: 'sql_raw',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Runs a query once and makes each row of the result a message.',
  config: databaseConfig({
    ...driverFields,
    query: field
      .string('The query, with argument placeholders in the syntax of the driver.')
      .examples('SELECT * FROM t WHERE id > ?;'),
    args_mapping: argsField.optional(),
    auto_replay_nacks: autoReplayNacksField,
    ...connectionFields,
  }),
  create(config, resources) {
    checkDriver(config)
    const empty = [Message.fromText('')]
    return new RowsInput(
      () => connect(config, resources),
      connection => connection.chunks(config.query, argumentsOf(config.args_mapping, empty, 0)),
    )
  },
})
