import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StartQueue } from './start-queue.ts'

/** Enters the queue and records the order in which starts begin. */
function starts(queue: StartQueue) {
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const enter = async (name: string, kind: 'first' | 'restart' = 'first', signal = new AbortController().signal) => {
    const end = await queue.enter(kind, signal)
    if (end === null) return
    begun.push(name)
    ends.set(name, end)
  }
  const end = async (name: string) => {
    ends.get(name)!()
    await settled()
  }
  return { begun, enter, end }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

test('limits the number of concurrent starts', async () => {
  const { begun, enter, end } = starts(new StartQueue(2))
  for (const name of ['a', 'b', 'c', 'd']) void enter(name)
  await settled()
  assert.deepEqual(begun, ['a', 'b'])
  await end('b')
  assert.deepEqual(begun, ['a', 'b', 'c'])
})

test('first starts precede restarts, and restarts run one at a time', async () => {
  const { begun, enter, end } = starts(new StartQueue(2))
  for (const name of ['r1', 'r2', 'r3']) void enter(name, 'restart')
  await settled()
  assert.deepEqual(begun, ['r1'])
  void enter('a')
  void enter('b')
  await end('r1')
  assert.deepEqual(begun, ['r1', 'a', 'b'])
  await end('a')
  assert.deepEqual(begun, ['r1', 'a', 'b', 'r2'])
  await end('b')
  assert.deepEqual(begun, ['r1', 'a', 'b', 'r2'])
})

test('a cancelled start gives its place to the next', async () => {
  const { begun, enter, end } = starts(new StartQueue(1))
  const calledOff = new AbortController()
  void enter('a')
  void enter('b', 'first', calledOff.signal)
  void enter('c')
  calledOff.abort()
  await settled()
  await end('a')
  assert.deepEqual(begun, ['a', 'c'])
})

test('ending a start twice frees one place', async () => {
  const { begun, enter, end } = starts(new StartQueue(1))
  void enter('a')
  void enter('b')
  void enter('c')
  await settled()
  await end('a')
  await end('a')
  assert.deepEqual(begun, ['a', 'b'])
})
