import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../base/index.ts'
import { Pace } from './pace.ts'

/** A clock that only advances by work and sleep. */
function newClock() {
  const slept: number[] = []
  const state = { now: 1000, slept }
  // Replaces the real clock, because the lengths of pauses depend on how busy the machine is.
  const clock: Clock = {
    now: () => state.now,
    monotonic: () => state.now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      state.slept.push(ms)
      state.now += ms
    },
  }
  return { state, clock }
}

describe('background work', () => {
  it('rests four times as long as it worked, up to a maximum', async () => {
    const { state, clock } = newClock()
    const pace = new Pace(clock, 60_000, new AbortController().signal)
    for (const workMs of [10, 0.1, 50, 2000]) {
      state.now += workMs
      await pace.rest()
    }
    assert.deepEqual(state.slept, [40, 200, 1000])
  })

  it('counts only the time since begin() as work', async () => {
    const { state, clock } = newClock()
    const pace = new Pace(clock, 60_000, new AbortController().signal)
    state.now += 100
    pace.begin()
    state.now += 5
    await pace.rest()
    assert.deepEqual(state.slept, [20])
  })

  it('rests as long as it worked once its time budget is used up', async () => {
    const { state, clock } = newClock()
    const pace = new Pace(clock, 100, new AbortController().signal)
    for (const workMs of [10, 20, 10, 7]) {
      state.now += workMs
      await pace.rest()
    }
    assert.deepEqual(state.slept, [40, 30, 10, 7])
  })

  it('rests for another share of the time, and only when due', async () => {
    const { state, clock } = newClock()
    const pace = new Pace(clock, Infinity, new AbortController().signal, 1)
    for (let unit = 0; unit < 10; unit++) {
      state.now += 3
      if (pace.hasWorkedFor(5)) await pace.rest()
    }
    assert.deepEqual(state.slept, [6, 6, 6, 6, 6])
  })

  it('does not rest once it is aborted', async () => {
    const { state, clock } = newClock()
    const stop = new AbortController()
    const pace = new Pace(clock, 1000, stop.signal)
    stop.abort()
    state.now += 10
    await pace.rest()
    assert.deepEqual(state.slept, [])
  })
})
