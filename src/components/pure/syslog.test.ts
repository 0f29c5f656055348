import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRfc3164, parseRfc5424, type SyslogFields, SyslogError } from './syslog.ts'

const older = { allowsRfc3339: true, year: () => 2021, zoned: (time: string) => time }

/** The error of a malformed line, and the fields that are usable nevertheless. */
function broken(parse: () => SyslogFields): readonly [string, SyslogFields | undefined] {
  try {
    return assert.fail(JSON.stringify(parse()))
  } catch (error) {
    if (!(error instanceof SyslogError)) throw error
    return [error.message, error.fields]
  }
}

test('values of structured data are unescaped', () => {
  const { structureddata } = parseRfc5424('<134>1 - - - - - [a@1 x="1 \\"2\\" \\]"][b@1] hi')
  assert.deepEqual(structureddata, { 'a@1': { x: '1 "2" ]' }, 'b@1': {} })
})

test('dashes stand for absent values', () => {
  assert.deepEqual(parseRfc5424('<0>1 - - - - - -'), { priority: 0n, facility: 0n, severity: 0n, version: 1n })
})

test('a malformed line is reported with the offset of its first invalid byte', () => {
  const id =
    'expecting a structured data element id (from 1 to max 32 US-ASCII characters; except `=`, ` `, `]`, and `"`'
  const cases: readonly (readonly [string, string])[] = [
    ['<192>1', 'expecting a priority value in the range 1-191 or equal to 0 [col 3]'],
    ['<13>1x', 'parsing error [col 5]'],
    ['<13>12x', 'expecting a version value in the range 1-999 [col 6]'],
    ['<13>1 2003-13-01T00:00:00Z h a p m -', 'expecting a RFC3339MICRO timestamp or a nil value [col 12]'],
    ['<13>1 2003-02-31T22:14:15Z h a p m -', 'parsing time "2003-02-31T22:14:15Z": day out of range [col 26]'],
    ['<13>1 - h', 'expecting an hostname (from 1 to max 255 US-ASCII characters) or a nil value [col 9]'],
    [
      `<13>1 - h ${'a'.repeat(50)} p m -`,
      'expecting an app-name (from 1 to max 48 US-ASCII characters) or a nil value [col 58]',
    ],
    ['<13>1 - h a p m -x', 'parsing error [col 17]'],
    ['<13>1 - h a p m [x=y]', `${id} [col 18]`],
    ['<13>1 - h a p m [x][x]', 'duplicate structured data element id [col 21]'],
    ['<13>1 - h a p m [x a="b\\n"]', 'expecting chars `]`, `"`, and `\\` to be escaped within param value [col 24]'],
    [
      '<13>1 - h a p m - ab\xe2\x82',
      'expecting a free-form optional message in UTF-8 (starting with or without BOM) [col 22]',
    ],
  ]
  for (const [line, reason] of cases)
    assert.deepEqual(
      broken(() => parseRfc5424(line)),
      [reason, undefined],
      line,
    )
})

test('bytes outside ASCII are decoded as UTF-8', () => {
  const bytes = Buffer.from('<13>1 - h a p m [x a="é"] grüß').toString('latin1')
  const { structureddata, message } = parseRfc5424(bytes)
  assert.deepEqual([structureddata, message], [{ x: { a: 'é' } }, 'grüß'])
})

test('the older format has a tag with a process id', () => {
  const { appname, procid, message, timestamp } = parseRfc3164('<28>Oct  2 16:33:15 host app[12]: hello', older)
  assert.deepEqual([appname, procid, message, timestamp], ['app', '12', 'hello', '2021-10-02T16:33:15Z'])
})

test('a tag without a following space is also part of the message', () => {
  for (const text of ['app:hello', 'app: ', 'app[1] hello']) {
    const { appname, message } = parseRfc3164(`<28>Oct  2 16:33:15 host ${text}`, older)
    assert.deepEqual([appname, message], ['app', text])
  }
  assert.equal(parseRfc3164('<28>Oct  2 16:33:15 host hello you: there', older)['appname'], undefined)
})

test('brackets, tabs and line breaks in a message are kept', () => {
  const { procid, message } = parseRfc3164('<28>Oct  2 16:33:15 host app[12]: [x]:\ty\n', older)
  assert.deepEqual([procid, message], ['12', '[x]:\ty\n'])
})

test('dates that do not exist in a year', () => {
  assert.equal(parseRfc3164('<28>Feb 29 16:33:15 h m', older)['timestamp'], '2021-03-01T16:33:15Z')
  assert.deepEqual(
    broken(() => parseRfc3164('<28>Feb 30 16:33:15 h m', older)),
    ['parsing time "Feb 30 16:33:15": day out of range [col 19]', undefined],
  )
})

test('a line in the older format with an incomplete timestamp keeps its priority', () => {
  const priority = { priority: 28n, facility: 3n, severity: 4n }
  for (const line of ['<28>Oct  2 16:33:15', '<28>1 2003-10-11T22:14:15Z h m', '<28>2003-10-11 22:14:15 h m']) {
    assert.deepEqual(broken(() => parseRfc3164(line, older))[1], priority, line)
  }
  assert.deepEqual(
    broken(() => parseRfc3164('<28>2 h', { ...older, allowsRfc3339: false })),
    ['expecting a Stamp timestamp [col 4]', undefined],
  )
  assert.deepEqual(
    broken(() => parseRfc3164('<28>Oct  2 16:33:15 ', older)),
    ['expecting an hostname (from 1 to max 255 US-ASCII characters) [col 20]', undefined],
  )
})
