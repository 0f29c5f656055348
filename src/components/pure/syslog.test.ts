import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRfc3164, parseRfc5424, SyslogError } from './syslog.ts'

const older = { allowsRfc3339: true, year: () => 2020, offsetOf: () => 'Z' }

test('values of structured data are unescaped', () => {
  const { structureddata } = parseRfc5424('<134>1 - - - - - [a@1 x="1 \\"2\\" \\]"][b@1] hi')
  assert.deepEqual(structureddata, { 'a@1': { x: '1 "2" ]' }, 'b@1': {} })
})

test('dashes say that there is nothing', () => {
  assert.deepEqual(parseRfc5424('<0>1 - - - - - -'), { priority: 0n, facility: 0n, severity: 0n, version: 1n })
})

test('a broken line tells what was read before', () => {
  assert.throws(
    () => parseRfc5424('<13>1 yesterday - - - - -'),
    (error: unknown) => error instanceof SyslogError && error.fields['priority'] === 13n && /col 6/.test(error.message),
  )
})

test('the older format has a tag with a process', () => {
  const { appname, procid, message, timestamp } = parseRfc3164('<28>Oct  2 16:33:15 host app[12]: hello', older)
  assert.deepEqual([appname, procid, message, timestamp], ['app', '12', 'hello', '2020-10-02T16:33:15Z'])
})
