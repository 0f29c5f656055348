import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Checkpointer } from './checkpointer.ts'

test('an offset is committed only once everything before it is handled', () => {
  const checkpointer = new Checkpointer()
  const [first, second, third] = [checkpointer.track(10n, 10), checkpointer.track(20n, 10), checkpointer.track(25n, 5)]
  assert.equal(checkpointer.pendingMessages, 25)
  assert.equal(second!(), undefined)
  assert.equal(first!(), 20n)
  assert.equal(checkpointer.pendingMessages, 5)
  assert.equal(third!(), 25n)
})

test('a batch that is acknowledged twice counts once', () => {
  const checkpointer = new Checkpointer()
  const done = checkpointer.track(1n, 1)
  assert.equal(done(), 1n)
  assert.equal(done(), undefined)
  assert.equal(checkpointer.pendingMessages, 0)
})

test('within a batch, messages before the first pending one can be committed', () => {
  const checkpointer = new Checkpointer()
  const done = checkpointer.trackEach([1n, 2n, 5n, 6n])
  assert.equal(done([1]), undefined)
  assert.equal(done([0]), 2n)
  assert.equal(done([3]), undefined)
  assert.equal(checkpointer.pendingMessages, 1)
  assert.equal(done([2]), 6n)
})
