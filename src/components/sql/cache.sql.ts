import { Buffer } from 'node:buffer'
import { defineCache, field } from '../../engine/index.ts'
import { connect, connectionFields, databaseConfig, driverFields } from './connection.ts'

export default defineCache({
  name: 'sql',
  summary: 'Keeps keys and values in a table.',
  description:
    'Values have no time to live. The table must exist, with a unique key column: `init_statement` can make it.',
  config: databaseConfig({
    ...driverFields,
    table: field.string('The table.').examples('foo'),
    key_column: field.string('The column of the keys.').examples('foo'),
    value_column: field.string('The column of the values.').examples('bar'),
    set_suffix: field
      .string('What stands behind an insert that is to replace the value of a key that exists.')
      .optional()
      .examples('ON CONFLICT (foo) DO UPDATE SET bar=excluded.bar'),
    ...connectionFields,
  }),
  create(config, resources) {
    const { table, key_column: key, value_column: value } = config
    const connection = connect(config, resources)
    const insert = `INSERT INTO ${table} (${key},${value}) VALUES (?,?)`
    const upsert = config.set_suffix === undefined ? insert : `${insert} ${config.set_suffix}`
    const get = (name: string) => {
      const [row] = connection.blobs(`SELECT ${value} AS value FROM ${table} WHERE ${key} = ?`, [name])
      const found = row?.['value']
      if (found === undefined || found === null) return undefined
      // What another program wrote may be text.
      return found instanceof Uint8Array ? found : Buffer.from(String(found))
    }
    return {
      get,
      set: (name, bytes) => connection.run(upsert, [name, bytes]),
      add(name, bytes) {
        // A key that exists is an error of the database, as in the original.
        connection.run(insert, [name, bytes])
        return true
      },
      delete: name => connection.run(`DELETE FROM ${table} WHERE ${key} = ?`, [name]),
      close: () => connection.close(),
    }
  },
})
