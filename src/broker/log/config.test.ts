import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localLogConfig, overlapLingerMs } from './config.ts'

test('a buffer waits half as long as a write takes while others are being written, within the limit', () => {
  const config = { ...localLogConfig, isEager: true, maxLingerMs: 25 }
  assert.deepEqual(
    [0, 0.4, 7, 40, 300, Number.POSITIVE_INFINITY].map(flightMs => overlapLingerMs(config, flightMs)),
    [0, 1, 4, 20, 25, 25],
  )
})

test('a buffer waits for the full time where each write costs money', () => {
  const config = { ...localLogConfig, isEager: false, maxLingerMs: 25 }
  assert.equal(overlapLingerMs(config, 7), 25)
})
