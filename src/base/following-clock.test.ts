import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from './clock.ts'
import { FollowingClock } from './following-clock.ts'
import { type Log, nullLog } from './log.ts'

/** A machine whose clock is frozen one hour ahead of the other clock. */
function machine(): { clock: Clock; ms: number; wake: () => void } {
  const state = {
    ms: 0,
    wake: () => {},
    clock: {
      now: () => 1_003_600_000 + state.ms,
      monotonic: () => 500 + state.ms,
      sleep: (_ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          state.wake = resolve
          signal?.addEventListener('abort', () => reject(signal.reason))
        }),
    },
  }
  return state
}

test('the clock follows another one, advances by monotonic time, and compares again', async t => {
  const own = machine()
  const warnings: string[] = []
  // Keeps the warnings and discards the rest of the log.
  const log: Log = { ...nullLog, warn: message => void warnings.push(message) }
  let other = 1_000_000_000
  const clock = await FollowingClock.open({ read: async () => other, owner: 'the cluster', log, own: own.clock })
  t.after(() => clock.close())
  assert.equal(clock.now(), 1_000_000_000)
  own.ms += 250
  assert.equal(clock.now(), 1_000_000_250)
  assert.deepEqual(warnings, [
    'the clock of this machine is 3600 s ahead of that of the cluster, which is used instead: synchronise this machine with NTP',
  ])
  other = 1_003_600_240
  own.wake()
  await new Promise(setImmediate)
  assert.equal(clock.now(), 1_003_600_240)
  assert.equal(warnings.length, 1)
})

test('the clock keeps running while the other one cannot be read, which is an error only at the start', async t => {
  const own = machine()
  let isThere = true
  const read = async () => {
    if (!isThere) throw new Error('no answer')
    return 7000
  }
  const clock = await FollowingClock.open({ read, owner: 'the cluster', log: nullLog, own: own.clock })
  t.after(() => clock.close())
  isThere = false
  own.ms += 1000
  own.wake()
  await new Promise(setImmediate)
  assert.equal(clock.now(), 8000)
  await assert.rejects(FollowingClock.open({ read, owner: 'the cluster', log: nullLog, own: own.clock }), /no answer/)
})
