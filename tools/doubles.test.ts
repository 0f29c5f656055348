import assert from 'node:assert/strict'
import test from 'node:test'
import { findingsOf } from './doubles.ts'

const found = (...lines: string[]) => findingsOf('src/a.test.ts', lines.join('\n'))

test('what stands in for a part of ours without a reason is found', () => {
  assert.match(
    found('', 'class Still implements Clock {').join(),
    /src\/a.test.ts:2: say why `class Still implements Clock`/,
  )
  assert.equal(found('const store: ObjectStore = {').length, 1)
  assert.equal(found("t.mock.method(metadata, 'onAppend', () => {})").length, 1)
  assert.equal(found('return { settings } as unknown as Metadata').length, 1)
})

test('a comment beside it or above is the reason', () => {
  assert.deepEqual(found('/** Time passes when the test says so. */', 'class Still implements Clock {'), [])
  assert.deepEqual(found('return { settings } as unknown as Metadata // all that is read'), [])
})

test('what is no part of ours, and what is real, needs none', () => {
  assert.deepEqual(found('class Shelf implements OutputTarget {', 'const clock: Clock = systemClock'), [])
})
