import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMysqlDsn } from './mysql-dsn.ts'

test('ignored DSN parameters are recognised by name', () => {
  const dsn = parseMysqlDsn(
    'user:password@tcp(db:3306)/shop?readTimeout=5s&parseTime=true&rejectReadOnly=true&sql_mode=ANSI',
  )
  assert.deepEqual(dsn.ineffective, ['readTimeout', 'rejectReadOnly'])
  assert.deepEqual(dsn.variables, { sql_mode: 'ANSI' })
})
