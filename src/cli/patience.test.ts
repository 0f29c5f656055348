import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, nullLog } from '../base/index.ts'
import { DatabaseError } from '../database/index.ts'
import { MetadataError } from '../metadata/index.ts'
import { StorageError } from '../storage/index.ts'
import { FlagError } from './flags.ts'
import { patiently } from './patience.ts'

function clockOfSleeps(): Clock & { readonly sleptMs: number } {
  const clock = {
    sleptMs: 0,
    now: () => clock.sleptMs,
    monotonic: () => clock.sleptMs,
    sleep: async (ms: number) => void (clock.sleptMs += ms),
  }
  return clock
}

/** Fails this many times, then succeeds. */
function failing(times: number, error: Error): () => Promise<string> {
  let left = times
  return async () => {
    if (left-- > 0) throw error
    return 'done'
  }
}

test('retries errors that may be temporary', async () => {
  const passing = [
    new DatabaseError('unreachable', 'connection refused'),
    new DatabaseError('unknown_outcome', 'the connection broke'),
    new MetadataError('busy', 'out of reach'),
    new StorageError('unavailable', 'SlowDown'),
    new FlagError('-databaseURL: …', { cause: new DatabaseError('busy', 'too many connections') }),
  ]
  for (const error of passing) assert.equal(await patiently('it', clockOfSleeps(), nullLog, failing(3, error)), 'done')
})

test('fails immediately on permanent errors', async () => {
  const final = [
    new DatabaseError('failed', 'password authentication failed'),
    new DatabaseError('newer_schema', 'use the newer program'),
    new StorageError('failed', 'AccessDenied'),
    new FlagError('-sealingKey is missing'),
    new DatabaseError('unreachable', 'signed by unknown authority', {
      cause: Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    }),
    new Error('a defect'),
  ]
  for (const error of final) {
    const clock = clockOfSleeps()
    await assert.rejects(patiently('it', clock, nullLog, failing(1, error)), error)
    assert.equal(clock.sleptMs, 0)
  }
})

test('gives up after 20 s with the last error', async () => {
  const clock = clockOfSleeps()
  const error = new StorageError('unavailable', 'no answer')
  await assert.rejects(patiently('it', clock, nullLog, failing(Number.POSITIVE_INFINITY, error)), error)
  assert.equal(clock.sleptMs, 20_000)
})
