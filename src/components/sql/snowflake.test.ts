import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, verify } from 'node:crypto'
import { after, test } from 'node:test'
import { Receiver, Sender } from '../../../test/connectors/streams.ts'
import { SnowflakeServer } from '../../../test/servers/snowflake-server.ts'
import { messageOf } from '../../base/index.ts'
import { newTable, testInputs, testOutputs, testResults } from './database.suite.ts'
import { parseSnowflakeDsn } from './snowflake-dsn.ts'

const server = await new SnowflakeServer().start()
after(() => server.close())
const { database } = server

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const key = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url')
const dsnOf = (port: number) =>
  `ann@127.0.0.1:${port}/shop/public?account=xy12345.eu-central-1&protocol=http&warehouse=small&role=loader&QUERY_TAG=test&authenticator=snowflake_jwt&privateKey=${key}`
const dsn = dsnOf(server.port)

const fixture = {
  driver: 'snowflake',
  port: server.port,
  dsn: dsnOf,
  place: () => '?',
  execute: async (statement: string) => database.execute(statement),
  query: async (statement: string) => database.query(statement),
  serial: 'INTEGER PRIMARY KEY',
  // Numbers are text, as in Go's driver.
  one: '"1"',
}
testOutputs(fixture)
testInputs(fixture)
testResults(fixture)

test('snowflake: values are returned with their types', async () => {
  const table = newTable()
  database.execute(`
    CREATE TABLE ${table} (n FIXED TEXT, r REAL, s TEXT, t BOOLEAN TEXT, y BINARY TEXT, v VARIANT TEXT, none TEXT, d DATE TEXT,
      c TIME TEXT, z TIMESTAMP_NTZ TEXT, z2 TIMESTAMP_TZ TEXT);
    INSERT INTO ${table} VALUES ('1234567890123456789012345678.50', 1.5, 'Grüße', 'true', '6869', '{"a":1}', NULL, '19724',
      '11045.500000000', '-1.500000000', '1704157445.123456789 1560')`)
  const receiver = await Receiver.start({ sql_raw: { driver: 'snowflake', dsn, query: `SELECT * FROM ${table}` } })
  const [text] = await receiver.collectDistinct(1)
  await receiver.close()
  assert.equal(
    text,
    [
      '{"c":"0001-01-01T03:04:05.5Z","d":"2024-01-02T00:00:00Z","n":"1234567890123456789012345678.50","none":null,',
      '"r":1.5,"s":"Grüße","t":true,"v":"{\\"a\\":1}","y":"hi","z":"1969-12-31T23:59:58.5Z",',
      '"z2":"2024-01-02T03:04:05.123456789+02:00"}',
    ].join(''),
  )
})

test('snowflake: statements name the warehouse and the types of their arguments, and are signed with the key', async () => {
  const table = newTable()
  database.execute(`CREATE TABLE ${table} (a, b, c, d, e, f)`)
  const sender = await Sender.start({
    sql_insert: {
      driver: 'snowflake',
      dsn,
      table,
      columns: ['a', 'b', 'c', 'd', 'e', 'f'],
      args_mapping:
        'root = [ 9007199254740993, 1.5, true, "hi".bytes(), "2024-01-02T03:04:05.5Z".ts_parse("2006-01-02T15:04:05Z07:00"), null ]',
    },
  })
  await sender.send('{}')
  await sender.close()
  const { headers, body } = server.calls.at(-1)!
  assert.deepEqual(JSON.parse(body), {
    statement: `INSERT INTO ${table} (a,b,c,d,e,f) VALUES (?,?,?,?,?,?)`,
    database: 'shop',
    schema: 'public',
    warehouse: 'small',
    role: 'loader',
    parameters: { QUERY_TAG: 'test' },
    bindings: {
      1: { type: 'FIXED', value: '9007199254740993' },
      2: { type: 'REAL', value: '1.5' },
      3: { type: 'BOOLEAN', value: 'true' },
      4: { type: 'BINARY', value: '6869' },
      5: { type: 'TIMESTAMP_TZ', value: '1704164645500000000 1440' },
      6: { type: 'TEXT', value: null },
    },
  })
  assert.equal(headers['x-snowflake-authorization-token-type'], 'KEYPAIR_JWT')
  const [head, claims, signature] = headers.authorization!.replace('Bearer ', '').split('.')
  assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature!, 'base64url')))
  const { iss, sub, iat, exp } = JSON.parse(Buffer.from(claims!, 'base64url').toString())
  const fingerprint = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
  assert.deepEqual([iss, sub, exp - iat], [`XY12345.ANN.SHA256:${fingerprint}`, 'XY12345.ANN', 3540])
})

test('snowflake: a busy server is asked again, and a slow statement waited for; the statement runs once', async t => {
  const table = newTable()
  database.execute(`CREATE TABLE ${table} (a)`)
  server.refusals = { status: 503, count: 2 }
  server.isSlow = true
  t.after(() => (server.isSlow = false))
  const sender = await Sender.start({
    sql_insert: { driver: 'snowflake', dsn, table, columns: ['a'], args_mapping: 'root = [ 1 ]' },
  })
  await sender.send('{}')
  await sender.close()
  assert.equal(database.query(`SELECT a FROM ${table}`).length, 1)
})

test('snowflake: a missing table, a refused key and a missing server are named in the message error', async t => {
  const failure = async (more: Readonly<Record<string, unknown>>) => {
    const insert = { driver: 'snowflake', dsn, table: 'missing_table', columns: ['a'], args_mapping: 'root = [ 1 ]' }
    const sender = await Sender.start({ sql_insert: { ...insert, ...more } })
    const reason = await sender.send('{}').then(() => 'arrived', messageOf)
    await sender.close()
    return reason
  }
  assert.equal(await failure({}), '002003 (42S02): no such table: missing_table')
  assert.match(await failure({ dsn: dsnOf(1) }), /dial tcp 127\.0\.0\.1:1: connect: connection refused/)
  server.refuse = () => 'JWT token is invalid.'
  t.after(() => (server.refuse = () => undefined))
  assert.equal(await failure({}), '390144: JWT token is invalid.')
})

test('the DSN names an account, a host, or an account and a region, and how to sign in', () => {
  const sign = `authenticator=programmatic_access_token&token=secret`
  assert.equal(parseSnowflakeDsn(`ann@org-acc/db/s?${sign}`).url, 'https://org-acc.snowflakecomputing.com')
  const regional = parseSnowflakeDsn(`ann@xy1/db?region=cn-north-1&${sign}`)
  assert.equal(regional.url, 'https://xy1.cn-north-1.snowflakecomputing.cn')
  assert.deepEqual(regional.login, { kind: 'token', token: 'secret', type: 'PROGRAMMATIC_ACCESS_TOKEN' })
  assert.equal(parseSnowflakeDsn(`ann@x?${sign}&host=db.test&port=8443`).url, 'https://db.test:8443')
  assert.throws(() => parseSnowflakeDsn('ann:secret@x/db'), /sign-in 'user and password' of Snowflake is known but/)
  assert.throws(() => parseSnowflakeDsn('ann@x?authenticator=snowflake_jwt&privateKey=no'), /is not a PKCS #8 key/)
})
