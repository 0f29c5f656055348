import assert from 'node:assert/strict'
import process from 'node:process'
import { test } from 'node:test'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { messageOf } from '../../base/index.ts'
import { newTable, testInputs, testOutputs, testResults } from './database.suite.ts'

const dsn = process.env['PENSTOCK_TEST_CLICKHOUSE']

if (dsn === undefined) test('ClickHouse', { skip: 'no server: npm run test:connectors -- clickhouse' })
else testClickhouse(dsn)

function testClickhouse(dsn: string): void {
  const { port, origin, username, password } = new URL(dsn)
  const send = async (query: string): Promise<string> => {
    const response = await fetch(`${origin}/?default_format=JSONEachRow`, {
      method: 'POST',
      body: query,
      headers: { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password },
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(answer)
    return answer
  }
  const database = {
    driver: 'clickhouse',
    port: Number(port),
    dsn: (at: number) => dsn.replace(`:${port}/`, `:${at}/`),
    place: (n: number) => `$${n}`,
    execute: async (statement: string) => {
      const create = statement.replace('CHECK (body', ', CONSTRAINT body CHECK (body')
      await send(statement.startsWith('CREATE TABLE') ? `${create} ENGINE = MergeTree ORDER BY tuple()` : statement)
    },
    query: async (statement: string) => {
      const lines = (await send(statement)).split('\n').filter(line => line !== '')
      return lines.map(line => JSON.parse(line) as Record<string, unknown>) // each line is an object
    },
    serial: 'DateTime64(9) DEFAULT now64(9)',
    one: '1',
  }
  testOutputs(database)
  testInputs(database)
  testResults(database)

  const select = async (query: string, more: Readonly<Record<string, unknown>> = {}) => {
    const receiver = await Receiver.start({ sql_raw: { driver: 'clickhouse', dsn, query, ...more } })
    const [text] = await receiver.collectDistinct(1)
    await receiver.close()
    return text
  }

  test('clickhouse: values are returned with their types', async () => {
    const query = `SELECT 1::UInt8 AS i, 18446744073709551615::UInt64 AS u, -9007199254740993::Int64 AS b, 1.5::Float64 AS f,
      CAST('1234567890123456789012345678.0000000010', 'Decimal(38, 10)') AS n, 'Grüße' AS s, NULL AS none, true AS t,
      toDateTime('2024-01-02 03:04:05', 'UTC') AS z, toDateTime64('2024-01-02 03:04:05.123456', 6, 'Europe/Berlin') AS z6,
      toDate('2024-01-02') AS d, [1, NULL] AS a, tuple(1, 'x') AS p, CAST((1, 'x'), 'Tuple(q Decimal(9, 2), r String)') AS nt,
      map('k', 1.5) AS m, toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS g, CAST('x', 'LowCardinality(Nullable(String))') AS l`
    assert.equal(
      await select(query),
      [
        '{"a":[1,null],"b":-9007199254740993,"d":"2024-01-02T00:00:00Z","f":1.5,"g":"61f0c404-5cb3-11e7-907b-a6006ad3dba0",',
        '"i":1,"l":"x","m":{"k":1.5},"n":"1234567890123456789012345678.0000000010","none":null,',
        '"nt":{"q":"1.00","r":"x"},"p":[1,"x"],"s":"Grüße","t":true,"u":18446744073709551615,',
        '"z":"2024-01-02T03:04:05Z","z6":"2024-01-02T03:04:05.123456+01:00"}',
      ].join(''),
    )
  })

  test('clickhouse: arguments are escaped in statements, and converted to the types of columns in inserts', async () => {
    const hard = String.raw`it's \ "?" $2`
    assert.equal(
      await select('SELECT $1 AS s, $2 AS n, $3 AS a, $4 AS z', {
        args_mapping: `root = [ ${JSON.stringify(hard)}, null, [1, 2], "2024-01-02T03:04:05.5Z".ts_parse("2006-01-02T15:04:05Z07:00") ]`,
      }),
      JSON.stringify({ a: [1, 2], n: null, s: hard, z: '2024-01-02T03:04:05.5Z' }),
    )
    const table = newTable()
    await send(
      `CREATE TABLE ${table} (i Int64, n Decimal(38, 10), s String, y String, z DateTime64(9, 'UTC'), a Array(String), o Nullable(Int8)) ENGINE = MergeTree ORDER BY i`,
    )
    const sender = await Sender.start({
      sql_insert: {
        driver: 'clickhouse',
        dsn,
        table,
        columns: ['i', 'n', 's', 'y', 'z', 'a', 'o'],
        args_mapping:
          'root = [ 9007199254740993, this.n, this.s, "610022".decode("hex"), "2024-01-02T03:04:05.123456789+02:00".ts_parse("2006-01-02T15:04:05.999999999Z07:00"), ["x"], null ]',
      },
    })
    await sender.send(`{"n":1234567890123456789.5,"s":${JSON.stringify(hard)}}`)
    await sender.close()
    const [row] = await database.query(
      `SELECT toString(i) AS i, toString(n) AS n, s, hex(y) AS y, toString(z) AS z, a, o FROM ${table}`,
    )
    assert.deepEqual(row, {
      i: '9007199254740993',
      n: '1234567890123456789.5',
      s: hard,
      y: '610022',
      z: '2024-01-02 01:04:05.123456789',
      a: ['x'],
      o: null,
    })
  })

  test('clickhouse: a missing table, a wrong password and a missing server are named in the message error', async () => {
    const failure = async (more: Readonly<Record<string, unknown>>) => {
      const insert = { driver: 'clickhouse', dsn, table: 'missing_table', columns: ['i'], args_mapping: 'root = [ 1 ]' }
      const sender = await Sender.start({ sql_insert: { ...insert, ...more } })
      const reason = await sender.send('{}').then(() => 'arrived', messageOf)
      await sender.close()
      return reason
    }
    assert.match(await failure({}), /^code: 60, message: Table default\.missing_table does not exist/)
    assert.match(await failure({ dsn: dsn.replace('secret', 'wrong') }), /^code: 516, message: default: Authentication/)
    assert.match(await failure({ dsn: database.dsn(1) }), /dial tcp 127\.0\.0\.1:1: connect: connection refused/)
    const second = dsn.replace('@', '@127.0.0.1:1,')
    assert.match(await failure({ dsn: second }), /^code: 60/)
  })
}
