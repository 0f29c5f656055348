import type { Value } from '../../bloblang/index.ts'
import { autoReplayNacksField, defineInput, field, Message, soloBatch } from '../../engine/index.ts'
import { argsField, argumentsOf, connect, connectionFields, driverFields, type Row } from './connection.ts'
import { selectFields, selectQuery } from './queries.ts'

/** Rows that are read at a time. */
const CHUNK_ROWS = 512

export default defineInput({
  name: 'sql_select',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Runs a query once and makes each of its rows a message.',
  config: field.object({
    ...driverFields,
    ...selectFields,
    args_mapping: argsField.optional(),
    auto_replay_nacks: autoReplayNacksField,
    ...connectionFields,
  }),
  create(config, resources) {
    const connection = connect(config, resources)
    const empty = [Message.fromText('')]
    let rows: Generator<Row> | null = null
    return {
      read() {
        rows ??= connection.iterate(selectQuery(config), argumentsOf(config.args_mapping, empty, 0))
        const messages: Message[] = []
        while (messages.length < CHUNK_ROWS) {
          const { done, value } = rows.next() as IteratorResult<Row, undefined>
          if (done === true) break
          messages.push(Message.fromValue(value as Value, undefined, messages.length))
        }
        return messages.length === 0 ? null : { batch: soloBatch(messages), ack: () => undefined }
      },
      close: () => connection.close(),
    }
  },
})
