import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { type OutageCases, type OwnServer, testFullServer, testOutages } from '../../../test/connectors/outage-cases.ts'
import { startMariadb } from '../../../test/connectors/sql.family.ts'
import { freePort } from '../../../test/servers/ports.ts'
import { startPostgresServer } from '../../../test/servers/postgres-server.ts'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { newTable, testDatabase } from './database.suite.ts'
import { parseMysqlDsn } from './mysql-dsn.ts'

/** A server of one kind, as accessed by the tests and named in configurations. */
type Database = Parameters<typeof testDatabase>[0] & {
  readonly driver: 'postgres' | 'mysql'
  /** The same kind on another port, which also has a test database. */
  at(port: number): Promise<Database>
  /** An empty server of the same kind. */
  openServer(): Promise<OwnServer>
  close(): Promise<void>
}

const postgresDsn = process.env['PENSTOCK_TEST_POSTGRES']
const mysqlDsn = process.env['PENSTOCK_TEST_MYSQL']
const tlsMysqlDsn = process.env['PENSTOCK_TEST_MYSQL_TLS']

if (postgresDsn === undefined || mysqlDsn === undefined || tlsMysqlDsn === undefined) {
  test('databases', { skip: 'no servers: npm run test:connectors -- sql' })
} else {
  for (const database of [openPostgres(postgresDsn), await openMysql(mysqlDsn)]) {
    after(() => database.close())
    testDatabase(database)
    testServer(database)
  }
  testMysqlTls(mysqlDsn, tlsMysqlDsn)
}

/** The `tls` parameter of a DSN, against a server without encryption and one with it. */
function testMysqlTls(plain: string, encrypted: string): void {
  const cipher = async (dsn: string): Promise<string> => {
    const query =
      "SELECT VARIABLE_VALUE AS cipher FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'"
    const receiver = await Receiver.start({ sql_raw: { driver: 'mysql', dsn, query } })
    try {
      await until(rig, () => receiver.receivedCount > 0 || receiver.log.length > 0, 'an answer, or a reason why not')
      if (receiver.receivedCount === 0) return `error: ${receiver.log.join(' ')}`
      const received = await receiver.next()
      received.answer()
      return received.texts[0] === '{"cipher":""}' ? 'plain' : 'encrypted'
    } finally {
      await receiver.close()
    }
  }

  for (const tls of ['preferred', 'skip-verify&allowFallbackToPlaintext=true']) {
    test(`mysql: tls=${tls} encrypts if the server supports TLS, and connects in plain text otherwise`, async () => {
      assert.equal(await cipher(`${encrypted}?tls=${tls}`), 'encrypted')
      assert.equal(await cipher(`${plain}?tls=${tls}`), 'plain')
    })
  }

  test('mysql: tls=skip-verify is refused by a server without encryption', async () => {
    assert.equal(await cipher(`${encrypted}?tls=skip-verify`), 'encrypted')
    assert.match(await cipher(`${plain}?tls=skip-verify`), /secure connection/)
  })

  test('mysql: concurrent statements all detect a server without encryption', async () => {
    const sender = await Sender.start({
      sql_raw: { driver: 'mysql', dsn: `${plain}?tls=preferred`, query: 'DO ?', args_mapping: 'root = [ content() ]' },
    })
    try {
      await Promise.all(bodies(20).map(body => sender.send(body)))
    } finally {
      await sender.close()
    }
  })
}

function openPostgres(dsn: string): Database {
  const pool = new pg.Pool({ connectionString: dsn })
  const url = new URL(dsn)
  return {
    driver: 'postgres',
    port: Number(url.port),
    serial: 'SERIAL PRIMARY KEY',
    cacheColumns: 'k TEXT PRIMARY KEY, v BYTEA',
    cacheSuffix: 'ON CONFLICT (k) DO UPDATE SET v = excluded.v',
    one: '1',
    dsn: port => dsn.replace(`:${url.port}/`, `:${port}/`),
    at: port => Promise.resolve(openPostgres(dsn.replace(`:${url.port}/`, `:${port}/`))),
    async openServer() {
      const server = await startPostgresServer({ durable: true })
      return { port: server.port, start: server.start, close: server.close, end: () => server.crash() }
    },
    place: n => `$${n}`,
    async execute(statement) {
      await pool.query(statement)
    },
    query: async statement => (await pool.query<Record<string, unknown>>(statement)).rows,
    close: () => pool.end(),
  }
}

async function openMysql(dsn: string): Promise<Database> {
  const { host, port, user, database } = parseMysqlDsn(dsn)
  const admin = await mysql.createConnection({ host, port, user })
  await admin.query(`CREATE DATABASE IF NOT EXISTS ${database}`)
  await admin.end()
  const pool = mysql.createPool({ host, port, user, database })
  return {
    driver: 'mysql',
    port,
    serial: 'INT AUTO_INCREMENT PRIMARY KEY',
    cacheColumns: 'k VARCHAR(100) PRIMARY KEY, v BLOB',
    cacheSuffix: 'ON DUPLICATE KEY UPDATE v = VALUES(v)',
    one: '1',
    dsn: other => dsn.replace(`:${port})`, `:${other})`),
    at: other => openMysql(dsn.replace(`:${port})`, `:${other})`)),
    async openServer() {
      const folder = mkdtempSync(join(tmpdir(), 'penstock-mariadb-'))
      const ownPort = await freePort()
      const server = await startMariadb(folder, 'own', ownPort, ['--innodb-flush-log-at-trx-commit=1'])
      return {
        port: ownPort,
        end: () => server.kill(),
        start: () => server.start(),
        async close() {
          await server.stop()
          rmSync(folder, { recursive: true, force: true })
        },
      }
    },
    place: () => '?',
    async execute(statement) {
      await pool.query(statement)
    },
    // Every statement that these tests query returns rows.
    query: async statement => (await pool.query(statement))[0] as Record<string, unknown>[],
    close: () => pool.end(),
  }
}

function testServer(database: Database): void {
  const { driver } = database
  const isPostgres = driver === 'postgres'
  const connection = { driver, dsn: database.dsn(database.port) }

  const tableOf = (id: string) => id.replaceAll('-', '_')
  const using = async <T>(port: number, use: (at: Database) => Promise<T>): Promise<T> => {
    const at = await database.at(port)
    try {
      return await use(at)
    } finally {
      await at.close()
    }
  }
  const prepare = (id: string, port: number) =>
    using(port, at => at.execute(`CREATE TABLE ${tableOf(id)} (id ${database.serial}, body VARCHAR(100))`))
  const cases = (dsn: (port: number) => string): OutageCases => ({
    port: database.port,
    prepare: id => prepare(id, database.port),
    output: (id, port) => ({
      sql_insert: {
        driver,
        dsn: dsn(port),
        table: tableOf(id),
        columns: ['body'],
        args_mapping: 'root = [ content().string() ]',
      },
    }),
    arrived: (id, port) =>
      using(port, async at => (await at.query(`SELECT body FROM ${tableOf(id)}`)).map(row => String(row['body']))),
  })
  testOutages(`sql_insert, ${driver}`, cases(database.dsn), async () => {
    const server = await database.openServer()
    return { ...server, prepare: id => prepare(id, server.port) }
  })
  if (isPostgres) {
    const guest = (port: number) => database.dsn(port).replace('postgres@', 'guest@')
    testFullServer('sql_insert, postgres', cases(guest), async () => {
      const server = await database.openServer()
      const allow = (connections: number) =>
        using(server.port, async at => {
          await at.execute(`ALTER ROLE guest CONNECTION LIMIT ${connections}`)
          if (connections === 0) {
            await at.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'guest'")
          }
        })
      return {
        ...server,
        async prepare(id) {
          await prepare(id, server.port)
          await using(server.port, async at => {
            await at.execute('CREATE ROLE guest LOGIN')
            for (const kind of ['TABLES', 'SEQUENCES']) {
              await at.execute(`GRANT ALL ON ALL ${kind} IN SCHEMA public TO guest`)
            }
          })
        },
        fill: () => allow(0),
        free: () => allow(-1),
      }
    })
  }

  test(`${driver}: rows that do not fit fail individually, each with the error of the database`, async () => {
    const table = newTable()
    await database.execute(`CREATE TABLE ${table} (id INT PRIMARY KEY, size INT NOT NULL)`)
    const sender = await Sender.start({
      sql_insert: {
        ...connection,
        table,
        columns: ['id', 'size'],
        args_mapping: 'root = [ this.id, this.size ]',
        max_in_flight: 1,
      },
    })
    const documents = [
      '{"id":1,"size":1}',
      '{"id":1,"size":2}',
      '{"id":2,"size":null}',
      '{"id":3,"size":"no number"}',
      '{"id":4,"size":4}',
    ]
    const outcomes = await Promise.allSettled(documents.map(document => sender.send(document)))
    await sender.close()
    const reasons = outcomes.map(outcome => (outcome.status === 'fulfilled' ? 'arrived' : String(outcome.reason)))
    assert.equal(reasons[0], 'arrived')
    assert.match(reasons[1]!, isPostgres ? /pq: duplicate key value/ : /Error 1062 \(23000\): Duplicate entry/)
    assert.match(reasons[2]!, isPostgres ? /pq: null value in column "size"/ : /Error 1048 \(23000\): Column 'size'/)
    assert.match(reasons[3]!, isPostgres ? /pq: invalid input syntax for type integer/ : /Error 1366 \(22007\)/)
    assert.equal(reasons[4], 'arrived')
    assert.deepEqual(
      (await database.query(`SELECT id FROM ${table} ORDER BY id`)).map(row => row['id']),
      [1, 4],
    )
  })

  test(`${driver}: a missing table, database or server and a wrong login are named in the message error`, async () => {
    const insert = { table: 'missing_table', columns: ['id'], args_mapping: 'root = [ 1 ]' }
    const failure = async (more: Readonly<Record<string, unknown>>): Promise<string> => {
      const sender = await Sender.start({ sql_insert: { ...connection, ...insert, ...more } })
      try {
        return await sender.send('{}').then(
          () => 'arrived',
          (error: unknown) => String(error),
        )
      } finally {
        await sender.close()
      }
    }
    assert.match(await failure({}), /missing_table/)
    assert.match(await failure({ dsn: database.dsn(1) }), /dial tcp 127\.0\.0\.1:1: connect: connection refused/)
    const elsewhere = isPostgres
      ? connection.dsn.replace('/postgres?', '/nowhere?')
      : connection.dsn.replace('/test', '/nowhere')
    assert.match(await failure({ dsn: elsewhere }), /nowhere/)
  })
}

if (postgresDsn !== undefined) {
  test('postgres: values are returned with their types', async () => {
    const dsn = postgresDsn
    const query = `SELECT 1::int AS i, 9007199254740993::bigint AS b, 1.5::float8 AS f, 12.30::numeric AS n, true AS t,
      'x'::text AS s, '{"a":1}'::json AS j, '\\x6869'::bytea AS y, NULL AS nothing,
      '2024-01-02 03:04:05.678+02'::timestamptz AS z, '2024-01-02'::date AS d`
    const receiver = await Receiver.start({ sql_raw: { driver: 'postgres', dsn: `${dsn}&TimeZone=UTC`, query } })
    const [text] = await receiver.collectDistinct(1)
    assert.equal(
      text,
      '{"b":9007199254740993,"d":"2024-01-02T00:00:00Z","f":1.5,"i":1,"j":"{\\"a\\":1}","n":"12.30","nothing":null,"s":"x","t":true,"y":"hi","z":"2024-01-02T01:04:05.678Z"}',
    )
    await receiver.close()
  })

  test('postgres: bytes are sent as text or as bytes, depending on the column type', async () => {
    const table = newTable()
    const sender = await Sender.start({
      sql_insert: {
        driver: 'postgres',
        dsn: postgresDsn,
        table,
        columns: ['raw', 'doc', 'n'],
        args_mapping: 'root = [ content(), content(), this.n.string().bytes() ]',
        init_statement: `CREATE TABLE ${table} (raw BYTEA, doc JSONB, n INT)`,
      },
    })
    await sender.send('{"n":7}')
    await sender.close()
    const pool = new pg.Pool({ connectionString: postgresDsn })
    const { rows } = await pool.query(`SELECT convert_from(raw, 'UTF8') AS raw, doc, n FROM ${table}`)
    await pool.end()
    assert.deepEqual(rows, [{ raw: '{"n":7}', doc: { n: 7 }, n: 7 }])
  })
}

if (mysqlDsn !== undefined) {
  test('mysql: values of a prepared statement are returned with their types, others as text', async () => {
    const columns =
      "CAST(1 AS SIGNED) AS i, CAST(18446744073709551615 AS UNSIGNED) AS u, 1.5e0 AS f, 12.30 AS n, 'x' AS s, NULL AS nothing, TIMESTAMP('2024-01-02 03:04:05') AS z"
    const read = async (more: Readonly<Record<string, unknown>>) => {
      const receiver = await Receiver.start({ sql_raw: { driver: 'mysql', dsn: mysqlDsn, ...more } })
      const [text] = await receiver.collectDistinct(1)
      await receiver.close()
      return text
    }
    assert.equal(
      await read({ query: `SELECT ${columns} WHERE 1 = ?`, args_mapping: 'root = [ 1 ]' }),
      '{"f":1.5,"i":1,"n":"12.30","nothing":null,"s":"x","u":"18446744073709551615","z":"2024-01-02 03:04:05"}',
    )
    assert.equal(
      await read({ query: `SELECT ${columns}` }),
      '{"f":"1.5","i":"1","n":"12.30","nothing":null,"s":"x","u":"18446744073709551615","z":"2024-01-02 03:04:05"}',
    )
  })
}
