import assert from 'node:assert/strict'
import test from 'node:test'
import { findingsOf } from './promises.ts'

const files: Readonly<Record<string, string>> = {
  'tools/rim.ts': '',
  'src/broker/log.test.ts': "it('keeps the order', () => {})",
}

const found = (...paragraphs: string[]) =>
  findingsOf('docs/adr/0001-log.md', paragraphs.join('\n\n'), path => files[path])

test('reports a promise without a footnote', () => {
  assert.match(
    found('The log keeps the order. It never\nskips a record. It is fast.').join(),
    /"It never skips a record."/,
  )
  assert.equal(found('- One.\n- Only two.\n- Three.').length, 1)
  assert.equal(found('| a | always |\n| b | sometimes |').length, 1)
  assert.equal(found('- No handler keeps state.').length, 1)
  const note = '[^rim]: [rim](../../tools/rim.ts).'
  assert.deepEqual(found('It never skips a record.[^rim] It is fast.', note), [])
  assert.equal(found('It is fast.[^rim] It never skips a record.', note).length, 1)
})

test('headings, code, reasons and planned features are not promises', () => {
  const texts = ['# Only one log', '```\nalways\n```', '**Why.** Others never do.', '- ○ Only later.', 'Every 500 ms.']
  assert.deepEqual(found(...texts, 'It calls `every`.'), [])
})

test('a footnote names a test that exists', () => {
  const promise = 'It never skips a record.[^log]'
  const notes = (note: string) => found(promise, `[^log]: ${note}`)
  assert.deepEqual(notes('[log](../../src/broker/log.test.ts) "keeps the order".'), [])
  assert.match(notes('[log](../../src/broker/log.test.ts).').join(), /name the test in/)
  assert.match(notes('[log](../../src/broker/log.test.ts) "is fast".').join(), /there is no "is fast"/)
  assert.match(notes('[log](../../src/broker/gone.test.ts) "is fast".').join(), /is not an existing check or test/)
  assert.match(notes('[log](../../src/broker/log.ts) "is fast".').join(), /is not an existing check or test/)
  assert.match(notes('by review.').join(), /no check is linked/)
})

test('reports missing and unused footnotes', () => {
  assert.match(found('It never skips a record.[^log]').join(), /\[\^log\] is missing/)
  assert.match(found('It is fast.', '[^log]: [rim](../../tools/rim.ts).').join(), /nothing refers to the footnote/)
})
