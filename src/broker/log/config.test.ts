import assert from 'node:assert/strict'
import { test } from 'node:test'
import { largeBytes, localLogConfig, overlapLingerMs, remoteLogConfig } from './config.ts'

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

test('the more objects are being written, the larger a buffer has to be not to wait, up to a limit', () => {
  const MIB = 1024 * 1024
  const sizes = [0, 1, 2, 4, 8, Number.POSITIVE_INFINITY].map(uploads => largeBytes(localLogConfig, uploads))
  assert.deepEqual(sizes, [MIB / 2, MIB, 2 * MIB, 4 * MIB, 8 * MIB, 8 * MIB])
  assert.equal(largeBytes(remoteLogConfig, 0), 8 * MIB)
  assert.equal(largeBytes(remoteLogConfig, 8), 8 * MIB)
})
