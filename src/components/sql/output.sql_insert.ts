import { asError } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import { type Batch, batchingField, defineOutput, maxInFlightField, type MaybePromise } from '../../engine/index.ts'
import { connectVerified } from './connect.ts'
import { argumentsOf, StatementError } from './connection.ts'
import { argsField, connectionFields, databaseConfig, driverFields } from './drivers.ts'
import { insertFields } from './queries.ts'

export default defineOutput({
  name: 'sql_insert',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Inserts a row for each message.',
  description:
    'The rows of a batch are inserted with one statement, all or none. Messages that are not batched are combined where possible, but succeed or fail individually.',
  config: databaseConfig({
    ...driverFields,
    ...insertFields,
    args_mapping: argsField,
    max_in_flight: maxInFlightField(64),
    ...connectionFields,
    batching: batchingField,
  }),
  async create(config, resources) {
    const connection = await connectVerified(config, resources)
    const rowOf = (batch: Batch, index: number) => argumentsOf(config.args_mapping, batch, index)
    return {
      connect: () => connection.open(),
      write: batch =>
        connection.insert(
          config,
          batch.map((_, index) => rowOf(batch, index)),
        ),
      writeRun: run =>
        insertEach(
          run.map(message => () => rowOf([message], 0)),
          rows => connection.insert(config, rows),
        ),
      close: () => connection.close(),
    }
  },
})

type Values = readonly Value[]

/**
 * Inserts rows that succeed or fail individually, as many per statement as the database accepts. Returns the outcome of
 * each, by index.
 */
async function insertEach(
  rows: readonly (() => Values)[],
  insert: (rows: readonly Values[]) => MaybePromise<void>,
): Promise<readonly (Error | null)[]> {
  const outcomes: (Error | null)[] = rows.map(() => null)
  const ready: { readonly index: number; readonly values: Values }[] = []
  rows.forEach((make, index) => {
    try {
      ready.push({ index, values: make() })
    } catch (error) {
      outcomes[index] = asError(error)
    }
  })
  await insertHalves(ready)
  return outcomes

  /** When rows are refused together, each half is tried, which finds a few bad rows in few attempts. */
  async function insertHalves(part: typeof ready): Promise<void> {
    if (part.length === 0) return
    try {
      await insert(part.map(({ values }) => values))
    } catch (error) {
      if (part.length === 1 || !(error instanceof StatementError)) {
        for (const { index } of part) outcomes[index] = asError(error)
        return
      }
      const middle = part.length >> 1
      await insertHalves(part.slice(0, middle))
      await insertHalves(part.slice(middle))
    }
  }
}
