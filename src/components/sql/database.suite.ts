import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { startTcpProxy } from '../../../test/servers/tcp-proxy.ts'
import { cacheContract } from '../../engine/contract/cache.suite.ts'
import { inputContract } from '../../engine/contract/input.suite.ts'
import { outputContract } from '../../engine/contract/output.suite.ts'
import { rig } from '../contract/rig.suite.ts'

/** A server with an SQL database, as accessed by the tests and named in configurations. */
export interface TestDatabase {
  readonly driver: string
  readonly port: number
  dsn(port: number): string
  /** The nth argument placeholder. */
  place(n: number): string
  execute(statement: string): Promise<void>
  query(statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** The type of a key that the database assigns, in ascending order. */
  readonly serial: string
  /** How a column `n INT` with the value 1 is read. */
  readonly one: string
}

interface CacheDatabase {
  /** The columns `k` and `v` of a table for a cache. */
  readonly cacheColumns: string
  /** The clause that makes an insert replace `v` of an existing `k`. */
  readonly cacheSuffix: string
}

export const newTable = () => `t_${randomUUID().slice(0, 8)}`

/** What holds for the components with each database that has transactions and unique keys. */
export function testDatabase(database: TestDatabase & CacheDatabase): void {
  testOutputs(database)
  testInputs(database)
  testCache(database)
  testResults(database)
  testBatches(database)
}

/** The outputs `sql_insert` and `sql_raw`. */
export function testOutputs({ driver, serial, ...database }: TestDatabase): void {
  for (const name of ['sql_insert', 'sql_raw'] as const) {
    outputContract(name, rig, {
      inFlight: 'many',
      without: { hold: 'a lock of the table cannot be taken at once' },
      async open() {
        const table = newTable()
        await database.execute(`CREATE TABLE ${table} (id ${serial}, body VARCHAR(100) CHECK (body <> 'poison'))`)
        const proxy = await startTcpProxy(database.port)
        const what =
          name === 'sql_insert'
            ? `table: ${table}, columns: [ body ]`
            : `query: 'INSERT INTO ${table} (body) VALUES (${database.place(1)})'`
        return {
          poison: 'poison',
          config: (maxInFlight = 64) =>
            `{ ${name}: { driver: ${driver}, dsn: '${database.dsn(proxy.port)}', ${what}, args_mapping: 'root = [ content().string() ]', max_in_flight: ${maxInFlight} } }`,
          delivered: async () =>
            (await database.query(`SELECT body FROM ${table} ORDER BY id`)).map(row => String(row['body'])),
          cut: () => proxy.cut(),
          close: () => proxy.close(),
        }
      },
    })
  }
}

/** The inputs `sql_select` and `sql_raw`. */
export function testInputs({ driver, ...database }: TestDatabase): void {
  for (const name of ['sql_select', 'sql_raw'] as const) {
    inputContract(name, rig, {
      ends: true,
      replays: true,
      reconnects: { never: 'a query that is broken off ends the input, as in the original' },
      resumes: true,
      async open() {
        const table = newTable()
        await database.execute(`CREATE TABLE ${table} (n INT)`)
        const numbers = Array.from({ length: 20 }, (_, index) => index + 1)
        await database.execute(`INSERT INTO ${table} VALUES ${numbers.map(n => `(${n})`).join(', ')}`)
        const what =
          name === 'sql_raw'
            ? `query: 'SELECT n FROM ${table} WHERE n <> ${database.place(1)}', args_mapping: 'root = [ 99 ]'`
            : `table: ${table}, columns: [ n ], where: n <> ?, args_mapping: 'root = [ 99 ]'`
        return {
          config: `{ ${name}: { driver: ${driver}, dsn: '${database.dsn(database.port)}', ${what} } }`,
          bodies: numbers.map(n => `{"n":${database.one.replace('1', String(n))}}`),
        }
      },
    })
  }
}

/** The cache `sql`. */
function testCache({ driver, ...database }: TestDatabase & CacheDatabase): void {
  cacheContract('sql', rig, {
    open() {
      const table = newTable()
      return {
        config: `{ sql: { driver: ${driver}, dsn: '${database.dsn(database.port)}', table: ${table}, key_column: k, value_column: v, set_suffix: '${database.cacheSuffix}', init_statement: 'CREATE TABLE ${table} (${database.cacheColumns})' } }`,
      }
    },
  })
}

/** What the components return, and what they do without a server. */
export function testResults({ driver, serial, ...database }: TestDatabase): void {
  const connection = { driver, dsn: database.dsn(database.port) }

  test(`${driver}: a result larger than one fetch is complete`, async () => {
    const table = newTable()
    await database.execute(`CREATE TABLE ${table} (id ${serial}, body VARCHAR(20))`)
    const values = Array.from({ length: 1300 }, (_, index) => `('row ${index}')`)
    await database.execute(`INSERT INTO ${table} (body) VALUES ${values.join(', ')}`)
    const receiver = await Receiver.start({
      sql_select: { ...connection, table, columns: ['body'], suffix: 'ORDER BY id' },
    })
    const texts = await receiver.collectDistinct(1300)
    await receiver.done
    assert.deepEqual(
      texts,
      values.map((_, index) => `{"body":"row ${index}"}`),
    )
  })

  test(`${driver}: with init_verify_conn the stream does not start while the database is unreachable`, async () => {
    const config = { sql_raw: { driver, dsn: database.dsn(1), query: 'SELECT 1', init_verify_conn: true } }
    await assert.rejects(Sender.start(config), /could not establish connection to database/)
  })
}

function testBatches({ driver, ...database }: TestDatabase): void {
  test(`${driver}: the rows of a batch are inserted together or not at all`, async () => {
    const table = newTable()
    await database.execute(`CREATE TABLE ${table} (id INT PRIMARY KEY)`)
    const sender = await Sender.start({
      sql_insert: {
        driver,
        dsn: database.dsn(database.port),
        table,
        columns: ['id'],
        args_mapping: 'root = [ this.id ]',
      },
    })
    await assert.rejects(sender.send('{"id":1}', '{"id":2}', '{"id":1}'))
    await sender.send('{"id":1}', '{"id":2}')
    await sender.close()
    assert.equal((await database.query(`SELECT id FROM ${table}`)).length, 2)
  })
}
