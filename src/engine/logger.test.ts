import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './logger.ts'

function lineOf(format: string): string {
  const lines: string[] = []
  const names = { level_name: 'level', timestamp_name: 'time', message_name: 'msg', static_fields: {} }
  const log = createLog(
    { level: 'info', format, add_timestamp: false, ...names },
    line => void lines.push(line),
    () => 0,
  )
  log.info('it failed', { cause: new Error('no such host'), deep: { causes: [new TypeError('no number')] } })
  return lines.join('')
}

test('an error in the fields of a log line is printed as its message', () => {
  assert.equal(lineOf('logfmt'), 'level=info msg="it failed" cause="no such host" deep="map[causes:[no number]]"\n')
  assert.deepEqual(JSON.parse(lineOf('json')), {
    level: 'info',
    msg: 'it failed',
    cause: 'no such host',
    deep: { causes: ['no number'] },
  })
})

test('the log format is case-insensitive', () => {
  assert.equal(lineOf('JSON'), lineOf('json'))
})
