import { andThen, defineCache, field, type MaybePromise } from '../../engine/index.ts'
import { connectVerified } from './connect.ts'
import { StatementError } from './connection.ts'
import { connectionFields, databaseConfig, driverFields, DRIVERS } from './drivers.ts'
import { insertQuery, placeholdersOf, selectQuery, withPlaceholders } from './queries.ts'

export default defineCache({
  name: 'sql',
  summary: 'Stores items in a database table.',
  description: 'Items never expire. The table must exist, with a unique key column; `init_statement` can create it.',
  config: databaseConfig({
    ...driverFields,
    driver: driverFields.driver.options(DRIVERS),
    table: field.string('The table.').examples('foo'),
    key_column: field.string('The column that holds the key.').examples('foo'),
    value_column: field.string('The column that holds the value.').examples('bar'),
    set_suffix: field
      .string('A clause appended to an insert that makes it replace the value of an existing key.')
      .optional()
      .examples('ON CONFLICT (foo) DO UPDATE SET bar=excluded.bar'),
    ...connectionFields,
  }),
  async create(config, resources) {
    const { driver, table, key_column: key, value_column: value, set_suffix: suffix } = config
    const connection = await connectVerified(config, resources)
    const placeholders = placeholdersOf(driver)
    const select = selectQuery({ table, columns: [value], where: `${key} = ?` }, placeholders)
    const insert = insertQuery({ table, columns: [key, value] }, placeholders)
    const upsert = insertQuery({ table, columns: [key, value], suffix }, placeholders)
    const remove = withPlaceholders(`DELETE FROM ${table} WHERE ${key} = ?`, placeholders)
    return {
      get: name => connection.bytes(select, [name]),
      set: (name, bytes) => connection.run(upsert, [name, bytes]),
      add: (name, bytes) => unlessTaken(driver, () => connection.run(insert, [name, bytes])),
      delete: name => connection.run(remove, [name]),
      close: () => connection.close(),
    }
  },
})

/** Error codes for an existing key. With SQLite it is an error, as in the original. */
const takenCodes: Readonly<Record<string, readonly string[]>> = {
  postgres: ['23505'],
  mysql: ['1062'],
  mssql: ['2627', '2601'],
}

/** Returns whether an insert succeeded; false if its key exists. */
function unlessTaken(driver: string, insert: () => MaybePromise<void>): MaybePromise<boolean> {
  const inserted = andThen(insert(), () => true)
  if (!(inserted instanceof Promise)) return inserted
  return inserted.catch((error: unknown) => {
    if (error instanceof StatementError && takenCodes[driver]?.includes(error.code) === true) return false
    throw error
  })
}
