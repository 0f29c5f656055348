import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'

test('durations are summed in milliseconds', () => {
  assert.equal(parseDuration('1h15m30.5s'), 4_530_500)
  assert.equal(parseDuration('-250ms'), -250)
  assert.equal(parseDuration('1us'), 0.001)
  assert.equal(parseDuration('0'), 0)
})

test("an invalid duration is rejected with the original's message", () => {
  assert.throws(() => parseDuration('5'), new Error('time: missing unit in duration "5"'))
  assert.throws(() => parseDuration('5x'), new Error('time: unknown unit "x" in duration "5x"'))
  assert.throws(() => parseDuration(''), new Error('time: invalid duration ""'))
})
