import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Receiver } from '../../../test/connectors/streams.ts'
import { listen } from '../../../test/servers/ports.ts'
import { until } from '../../engine/contract/rig.ts'
import { rig } from '../contract/rig.suite.ts'
import { parseClickhouseDsn } from './clickhouse-dsn.ts'
import { lineOf, withLiterals } from './clickhouse-values.ts'

test('an error in the middle of a result ends it with the reason', async t => {
  const server = createServer((_request, response) => {
    response.end(
      '["n"]\n["UInt8"]\n[1]\nCode: 241. DB::Exception: Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED) (version 25.3.1.1 (official build))\n',
    )
  })
  const port = await listen(server)
  t.after(() => server.close())
  const receiver = await Receiver.start({
    sql_raw: { driver: 'clickhouse', dsn: `http://127.0.0.1:${port}`, query: 'SELECT 1' },
  })
  await until(rig, () => receiver.log.length > 0, 'a reason')
  await receiver.close()
  assert.match(receiver.log.join('\n'), /code: 241, message: Memory limit \(total\) exceeded\.(?:"|$)/m)
  assert.equal(receiver.receivedCount, 0)
})

test('the DSN names one or several servers, and settings', () => {
  const { hosts, isSecure, user, password, database, settings, ineffective, readTimeoutMs } = parseClickhouseDsn(
    'https://ann:a%2Fb:c@one:1,two/shop?secure=true&skip_verify=true&max_execution_time=60&async_insert=true&debug=true&read_timeout=1m',
  )
  assert.deepEqual([hosts, isSecure, user, password, database], [['one:1', 'two:8443'], true, 'ann', 'a/b:c', 'shop'])
  assert.deepEqual(
    [settings, ineffective, readTimeoutMs],
    [{ max_execution_time: '60', async_insert: '1' }, ['debug'], 60_000],
  )
  assert.throws(() => parseClickhouseDsn('clickhouse://localhost:9000/db'), /use the HTTP interface/)
  assert.throws(() => parseClickhouseDsn('http://localhost/?dial_timeout=soon'), /dial_timeout: time: invalid duration/)
})

test('placeholders become literals', () => {
  assert.equal(
    withLiterals('a = $2 AND b = $1 AND c = $2', [1n, "it's"]),
    String.raw`a = 'it\'s' AND b = 1 AND c = 'it\'s'`,
  )
  assert.equal(
    withLiterals(String.raw`a = ? AND b = ? AND c = 'what\?'`, [true, null]),
    "a = 1 AND b = NULL AND c = 'what?'",
  )
  assert.throws(() => withLiterals('a = $2', [1n]), /have no arg for \$2 param/)
})

test('bytes are written as they are in the rows of an insert', () => {
  const line = lineOf([1n, Uint8Array.of(0xff, 0x22, 0x0a), 'x'])
  assert.equal(line.toString('latin1'), String.raw`[1,"${'\u00ff'}\u0022\u000a","x"]` + '\n')
})
