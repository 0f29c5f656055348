import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withDeadline } from './deadline.ts'

const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }),
  )

test('what takes too long is aborted, and its error says so', async () => {
  const outer = new AbortController()
  await assert.rejects(withDeadline('the call', 5, outer.signal, never), {
    message: 'the call took longer than the timeout of 5 ms',
  })
})

test('an abort from outside goes through, and is no timeout', async () => {
  const outer = new AbortController()
  const running = withDeadline('the call', 60_000, outer.signal, never)
  outer.abort()
  await assert.rejects(running, { message: 'aborted' })
  await assert.rejects(
    withDeadline('the call', 60_000, outer.signal, signal => Promise.reject(new Error(`aborted: ${signal.aborted}`))),
    { message: 'aborted: true' },
  )
})

test('what ends in time has its result', async () => {
  assert.equal(await withDeadline('the call', 60_000, new AbortController().signal, () => Promise.resolve(1)), 1)
})
