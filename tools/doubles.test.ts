import assert from 'node:assert/strict'
import test from 'node:test'
import { findingsOf } from './doubles.ts'

const found = (...lines: string[]) => findingsOf('src/a.test.ts', lines.join('\n'))

test('reports a test double without a stated reason', () => {
  assert.match(
    found('', 'class Still implements Clock {').join(),
    /src\/a.test.ts:2: say why `class Still implements Clock`/,
  )
  assert.equal(found('const store: ObjectStore = {').length, 1)
  assert.equal(found("t.mock.method(metadata, 'onAppend', () => {})").length, 1)
  assert.equal(found('return { settings } as unknown as Metadata').length, 1)
})

test('a comment on the same line or above is the reason', () => {
  assert.deepEqual(found('/** Time passes when the test says so. */', 'class Still implements Clock {'), [])
  assert.deepEqual(found('return { settings } as unknown as Metadata // all that is read'), [])
})

test('real objects and doubles of foreign code need no reason', () => {
  assert.deepEqual(found('class Shelf implements OutputTarget {', 'const clock: Clock = systemClock'), [])
})
