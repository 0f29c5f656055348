import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { TrinoServer } from '../../../test/servers/trino-server.ts'
import { messageOf } from '../../base/index.ts'
import { until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { newTable, testInputs, testOutputs, testResults } from './database.suite.ts'
import { parseTrinoDsn } from './trino-dsn.ts'

const server = await new TrinoServer().start()
after(() => server.close())
const { database } = server
const dsnOf = (port: number) => `http://ann@127.0.0.1:${port}?catalog=memory&schema=default`
const dsn = dsnOf(server.port)

const fixture = {
  driver: 'trino',
  port: server.port,
  dsn: dsnOf,
  place: () => '?',
  execute: async (statement: string) => database.execute(statement),
  query: async (statement: string) => database.query(statement),
  serial: 'INTEGER PRIMARY KEY',
  one: '1',
}
testOutputs(fixture)
testInputs(fixture)
testResults(fixture)

test('trino: values are returned with their types', async () => {
  const table = newTable()
  database.execute(`
    CREATE TABLE ${table} ("i" BIGINT, "f" DOUBLE, "n" DECIMAL TEXT(38, 10), "s" VARCHAR, none VARCHAR, "d" DATE, "c" TIME,
      "z" TIMESTAMP, "z2" "TIMESTAMP WITH TIME ZONE", "z3" "TIMESTAMP WITH TIME ZONE");
    INSERT INTO ${table} VALUES (-9007199254740993, 1.5, '1234567890123456789012345678.0000000010', 'Grüße', NULL, '2024-01-02',
      '03:04:05.500', '2024-01-02 03:04:05.123456', '2024-07-02 03:04:05.123 Europe/Berlin', '2024-01-02 03:04:05 -03:30')`)
  const receiver = await Receiver.start({ sql_raw: { driver: 'trino', dsn, query: `SELECT * FROM ${table}` } })
  const [text] = await receiver.collectDistinct(1)
  await receiver.close()
  assert.equal(
    text,
    [
      '{"c":"0000-01-01T03:04:05.5Z","d":"2024-01-02T00:00:00Z","f":1.5,"i":-9007199254740993,',
      '"n":"1234567890123456789012345678.0000000010","none":null,"s":"Grüße","z":"2024-01-02T03:04:05.123456Z",',
      '"z2":"2024-07-02T03:04:05.123+02:00","z3":"2024-01-02T03:04:05-03:30"}',
    ].join(''),
  )
})

test('trino: arguments are literals of the statement', async () => {
  const sender = await Sender.start({
    sql_raw: {
      driver: 'trino',
      dsn,
      query: "SELECT ?, 'x'",
      args_mapping:
        'root = [ this.s, 7, 1.5, this.n, true, null, "ff00".decode("hex"), ["a"], "2024-01-02T03:04:05.5+02:00".ts_parse("2006-01-02T15:04:05Z07:00") ]',
    },
  })
  await sender.send('{"s":"it\'s","n":12345678901234567890.25}')
  await sender.close()
  const { body, headers } = server.calls.findLast(call => call.method === 'POST')!
  assert.equal(
    body,
    "EXECUTE IMMEDIATE 'SELECT ?, ''x''' USING 'it''s', 7, 1.5E0, 12345678901234567890.25, true, NULL, X'ff00', ARRAY['a'], TIMESTAMP '2024-01-02 01:04:05.500000000 UTC'",
  )
  assert.deepEqual(
    [headers['x-trino-user'], headers['x-trino-catalog'], headers['x-trino-schema']],
    ['ann', 'memory', 'default'],
  )
})

test('trino: a query whose result is not read to its end is cancelled', async () => {
  const table = newTable()
  database.execute(`CREATE TABLE ${table} (n BIGINT)`)
  database.execute(
    `INSERT INTO ${table} WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3000) SELECT n FROM r`,
  )
  const before = server.cancelled.length
  const receiver = await Receiver.start({ sql_select: { driver: 'trino', dsn, table, columns: ['n'] } })
  await receiver.next()
  await receiver.close()
  await until(rig, () => server.cancelled.length > before, 'it is cancelled')
})

test('trino: a missing table and a missing server are named in the message error', async () => {
  const failure = async (more: Readonly<Record<string, unknown>>) => {
    const insert = { driver: 'trino', dsn, table: 'missing_table', columns: ['a'], args_mapping: 'root = [ 1 ]' }
    const sender = await Sender.start({ sql_insert: { ...insert, ...more } })
    const reason = await sender.send('{}').then(() => 'arrived', messageOf)
    await sender.close()
    return reason
  }
  assert.equal(
    await failure({}),
    'trino: query failed (200 OK): "io.trino.spi.TrinoException: no such table: missing_table"',
  )
  assert.match(await failure({ dsn: dsnOf(1) }), /dial tcp 127\.0\.0\.1:1: connect: connection refused/)
})

test('the DSN sets headers, and a password only with https', () => {
  const plain = parseTrinoDsn('http://ann:secret@trino:8080?catalog=hive&source=me')
  assert.deepEqual(
    [plain.url, plain.password, plain.headers],
    ['http://trino:8080', '', { 'X-Trino-Source': 'me', 'X-Trino-Catalog': 'hive' }],
  )
  assert.equal(parseTrinoDsn('https://ann:sec%2Fret@trino').password, 'sec/ret')
  assert.throws(() => parseTrinoDsn('trino:8080'), /malformed dsn/)
  assert.throws(() => parseTrinoDsn('https://trino?KerberosEnabled=true'), /Kerberos is known but not supported/)
})
