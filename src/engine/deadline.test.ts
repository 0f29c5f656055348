import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withDeadline } from './deadline.ts'

const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }),
  )

test('a task that exceeds its deadline is aborted with a timeout error', async () => {
  const outer = new AbortController()
  await assert.rejects(withDeadline('the call', 5, outer.signal, never), {
    message: 'the call took longer than the timeout of 5 ms',
  })
})

test('an external abort is passed on and is not a timeout', async () => {
  const outer = new AbortController()
  const running = withDeadline('the call', 60_000, outer.signal, never)
  outer.abort()
  await assert.rejects(running, { message: 'aborted' })
  await assert.rejects(
    withDeadline('the call', 60_000, outer.signal, signal => Promise.reject(new Error(`aborted: ${signal.aborted}`))),
    { message: 'aborted: true' },
  )
})

test('a task that finishes in time returns its result', async () => {
  assert.equal(await withDeadline('the call', 60_000, new AbortController().signal, () => Promise.resolve(1)), 1)
})
