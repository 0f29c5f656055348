import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PublishLimits } from './publish-limits.ts'

const { signal } = new AbortController()
const limits = (messages: number, bytes: number, behavior: string) =>
  new PublishLimits({
    max_outstanding_messages: messages,
    max_outstanding_bytes: bytes,
    limit_exceeded_behavior: behavior,
  })

test('messages beyond the limit wait in order until one completes', async () => {
  const room = limits(1, -1, 'block')
  await room.take(1, signal)
  const order: string[] = []
  const second = room.take(1, signal).then(() => order.push('second'))
  const third = room.take(1, signal).then(() => order.push('third'))
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(order, [])
  room.release(1)
  await second
  assert.deepEqual(order, ['second'])
  room.release(1)
  await third
  assert.deepEqual(order, ['second', 'third'])
})

test('bytes are limited too, but a single message of any size is admitted', async () => {
  const room = limits(0, 10, 'signal_error')
  await room.take(100, signal)
  await assert.rejects(room.take(1, signal), /MaxOutstandingBytes flow controller limit exceeded/)
  room.release(100)
  await room.take(6, signal)
  await assert.rejects(room.take(5, signal), /MaxOutstandingBytes/)
})

test('a message beyond the limit fails or is sent anyway, as configured', async () => {
  const failing = limits(1, -1, 'signal_error')
  await failing.take(1, signal)
  await assert.rejects(failing.take(1, signal), /MaxOutstandingMessages flow controller limit exceeded/)
  const ignoring = limits(1, -1, 'ignore')
  await ignoring.take(1, signal)
  await ignoring.take(1, signal)
})

test('a message still waiting when the stream ends fails and frees its place', async () => {
  const room = limits(1, -1, 'block')
  await room.take(1, signal)
  const ending = new AbortController()
  const waiting = room.take(1, ending.signal)
  ending.abort(new Error('the end'))
  await assert.rejects(waiting, /the end/)
  room.release(1)
  await room.take(1, signal)
})
