import assert from 'node:assert/strict'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { makeAuthority } from '../../../test/servers/certificates.ts'
import { TdsServer } from '../../../test/servers/tds-server.ts'
import { messageOf } from '../../base/index.ts'
import { bodies, until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { newTable, testDatabase } from './database.suite.ts'
import { parseMssqlDsn } from './mssql-dsn.ts'
import { withNames } from './mssql-placeholders.ts'

const server = await TdsServer.start({ password: 'p@ss word' })
after(() => server.close())
const { database } = server
const dsnOf = (port: number) => `sqlserver://sa:p%40ss%20word@127.0.0.1:${port}?database=shop&encrypt=disable`
const dsn = dsnOf(server.port)

testDatabase({
  driver: 'mssql',
  port: server.port,
  dsn: dsnOf,
  place: () => '?',
  execute: async statement => database.execute(statement),
  query: async statement => database.query(statement),
  serial: 'INTEGER PRIMARY KEY',
  cacheColumns: 'k TEXT PRIMARY KEY, v BLOB',
  cacheSuffix: 'ON CONFLICT (k) DO UPDATE SET v = excluded.v',
  one: '1',
})

async function select(
  count: number,
  query: string,
  more: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const receiver = await Receiver.start({ sql_raw: { driver: 'mssql', dsn, query, ...more } })
  const texts = await receiver.collectDistinct(count)
  await receiver.close()
  return texts
}

test('mssql: values are returned with their types, and numbers with decimals exactly', async () => {
  const table = newTable()
  database.execute(`
    CREATE TABLE ${table} (i INT, b BIGINT, f REAL, t BIT, n DECIMAL TEXT(38, 10), m MONEY TEXT, s TEXT, y BLOB, none TEXT,
      z DATETIMEOFFSET, z2 DATETIME2, d DATE, c TIME, g UNIQUEIDENTIFIER);
    INSERT INTO ${table} VALUES (-1, 9007199254740993, 1.5, 1, '-1234567890123456789012345678.0000000001',
      '922337203685477.5807', 'Grüße', x'6869', NULL, '2024-01-02T03:04:05.1234567+02:00',
      '2024-01-02T03:04:05.1234567', '2024-01-02', '03:04:05.5', '0123abcd-4567-89ab-cdef-0123456789ab');
    INSERT INTO ${table} (i) VALUES (2);`)
  const [first, second] = await select(2, `SELECT * FROM ${table} WHERE i <> ? ORDER BY i`, {
    args_mapping: 'root = [ 0 ]',
  })
  assert.deepEqual(
    first,
    [
      '{"b":9007199254740993,"c":"0001-01-01T03:04:05.5Z","d":"2024-01-02T00:00:00Z","f":1.5,',
      '"g":"0123ABCD-4567-89AB-CDEF-0123456789AB","i":-1,"m":"922337203685477.5807",',
      '"n":"-1234567890123456789012345678.0000000001","none":null,"s":"Grüße","t":true,"y":"hi",',
      '"z":"2024-01-02T03:04:05.1234567+02:00","z2":"2024-01-02T03:04:05.1234567Z"}',
    ].join(''),
  )
  assert.match(second!, /"m":null,"n":null,.*"z":null/)
})

test('mssql: arguments arrive with their types', async () => {
  const table = newTable()
  database.execute(`CREATE TABLE ${table} (i, f, t, s, y, z, none, huge, n, x)`)
  const sender = await Sender.start({
    sql_insert: {
      driver: 'mssql',
      dsn,
      table,
      columns: ['i', 'f', 't', 's', 'y', 'z', 'none', 'huge', 'n', 'x'],
      args_mapping:
        'root = [ 9007199254740993, this.f, true, this.s, "hi".bytes(), "2024-01-02T03:04:05.123456700+02:00".ts_parse("2006-01-02T15:04:05.999999999Z07:00"), null, this.huge, this.n, this.x ]',
    },
  })
  await sender.send('{"s":"Grüße","huge":12345678901234567890.5,"n":7,"x":0.25,"f":1.50}')
  await sender.close()
  assert.deepEqual(
    { ...database.query(`SELECT * FROM ${table}`)[0] },
    {
      i: 9007199254740993n,
      f: 1.5,
      t: 1,
      s: 'Grüße',
      y: Uint8Array.from(Buffer.from('hi')),
      z: '2024-01-02T01:04:05.1234567Z',
      none: null,
      huge: '12345678901234567890.5',
      n: 7n,
      x: 0.25,
    },
  )
})

test('mssql: a batch larger than one statement may be is inserted together or not at all', async () => {
  const table = newTable()
  database.execute(`CREATE TABLE ${table} (id INT PRIMARY KEY)`)
  const sender = await Sender.start({
    sql_insert: { driver: 'mssql', dsn, table, columns: ['id'], args_mapping: 'root = [ this.id ]' },
  })
  const rows = Array.from({ length: 1500 }, (_, id) => `{"id":${id}}`)
  await assert.rejects(sender.send(...rows, '{"id":7}'), /mssql: Violation of PRIMARY KEY constraint/)
  assert.equal(database.query(`SELECT id FROM ${table}`).length, 0)
  await sender.send(...rows)
  await sender.close()
  assert.equal(database.query(`SELECT id FROM ${table}`).length, 1500)
})

test('mssql: a wrong password, a missing table and a missing server are named in the message error', async () => {
  const failure = async (more: Readonly<Record<string, unknown>>) => {
    const insert = { driver: 'mssql', dsn, table: 'missing_table', columns: ['id'], args_mapping: 'root = [ 1 ]' }
    const sender = await Sender.start({ sql_insert: { ...insert, ...more } })
    const reason = await sender.send('{}').then(
      () => 'arrived',
      (error: unknown) => messageOf(error),
    )
    await sender.close()
    return reason
  }
  assert.equal(await failure({}), "mssql: Invalid object name 'missing_table'.")
  assert.equal(await failure({ dsn: dsn.replace('p%40', 'x') }), "login error: mssql: Login failed for user 'sa'.")
  assert.equal(
    await failure({ dsn: dsnOf(1) }),
    "unable to open tcp connection with host '127.0.0.1:1': dial tcp 127.0.0.1:1: connect: connection refused",
  )
  assert.match(
    await failure({ dsn: `${dsn}&encrypt=maybe`.replace('&encrypt=disable', '') }),
    /invalid encrypt 'maybe'/,
  )
})

test('mssql: connections are limited by conn_max_open, and idle ones are reused', async () => {
  const before = server.programs.length
  const table = newTable()
  database.execute(`CREATE TABLE ${table} (body TEXT)`)
  const sender = await Sender.start({
    sql_raw: {
      driver: 'mssql',
      dsn: `${dsn}&app name=pool`,
      query: `INSERT INTO ${table} VALUES (?)`,
      args_mapping: 'root = [ content().string() ]',
      conn_max_open: 2,
    },
  })
  await Promise.all(bodies(30).map(body => sender.send(body)))
  await sender.close()
  assert.equal(database.query(`SELECT body FROM ${table}`).length, 30)
  const opened = server.programs.slice(before)
  assert.ok(opened.length <= 2 && opened.every(name => name === 'pool'), String(opened))
})

test('mssql: connections are encrypted, and certificates verified if the DSN says so', async t => {
  const authority = await makeAuthority()
  const encrypted = await TdsServer.start({ certificate: await authority.issue('localhost') })
  t.after(() => encrypted.close())
  const folder = mkdtempSync(join(tmpdir(), 'penstock-mssql-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  writeFileSync(file, authority.ca)
  const outcome = async (parameters: string) => {
    const at = `sqlserver://sa@localhost:${encrypted.port}?${parameters}`
    const receiver = await Receiver.start({ sql_raw: { driver: 'mssql', dsn: at, query: 'SELECT 1 AS n' } })
    await until(rig, () => receiver.receivedCount > 0 || receiver.log.length > 0, 'an answer, or a reason why not')
    const found = receiver.receivedCount > 0 ? (await receiver.next()).texts[0] : receiver.log.join(' ')
    await receiver.close()
    return found
  }
  assert.equal(await outcome(''), '{"n":1}')
  assert.match((await outcome('encrypt=true'))!, /certificate/)
  assert.equal(await outcome('encrypt=true&TrustServerCertificate=true'), '{"n":1}')
  assert.equal(await outcome(`encrypt=true&certificate=${file}`), '{"n":1}')
})

test('placeholders become the names of SQL Server, except in texts, names and comments', () => {
  assert.equal(
    withNames(`SELECT ?, $2, :3 -- ?\nFROM [a?b] WHERE c = '?''?' AND "d?" > ? /* ? */`),
    `SELECT @p1, @p2, @p3 -- ?\nFROM [a?b] WHERE c = '?''?' AND "d?" > @p2 /* ? */`,
  )
})

test('the DSN is a URL, a list, or a list of ODBC', () => {
  const {
    host,
    port,
    instance,
    user,
    password,
    database: name,
  } = parseMssqlDsn('sqlserver://sa:a%2Fb@db/express?database=shop')
  assert.deepEqual(
    { host, port, instance, user, password, name },
    {
      host: 'db',
      port: undefined,
      instance: 'express',
      user: 'sa',
      password: 'a/b',
      name: 'shop',
    },
  )
  const list = parseMssqlDsn('server=tcp:db,1444;user id=sa;Password=a=b;Initial Catalog=shop;encrypt=true')
  assert.deepEqual(
    [list.host, list.port, list.password, list.database, list.verifies],
    ['db', 1444, 'a=b', 'shop', true],
  )
  const odbc = parseMssqlDsn('odbc:server=db;user id=sa;password={a;}}b}')
  assert.deepEqual([odbc.port, odbc.password, odbc.verifies], [1433, 'a;}b', false])
})
