import assert from 'node:assert/strict'
import { test } from 'node:test'
import { utf8Bytes, xxhash64 } from '../../bloblang/index.ts'
import { Message } from '../../engine/index.ts'
import { Joiner, type JoinOptions } from './joining.ts'

function joined(options: Partial<JoinOptions>, ...documents: readonly object[]): readonly unknown[] {
  const joiner = new Joiner({ deliversLast: false, idPath: 'id', iterations: 1, strategy: 'array', ...options })
  const results: unknown[] = []
  do {
    for (const document of documents) joiner.add(Message.fromText(JSON.stringify(document)), true)
    results.push(...joiner.finish().map(([value]) => value))
  } while (joiner.nextIteration())
  return results
}

test('documents with the same id are merged by the chosen strategy', () => {
  const two = [
    { id: 'a', n: 1, o: { x: 1 } },
    { id: 'a', n: 2, o: { y: 2 } },
  ]
  assert.deepEqual(joined({ strategy: 'array' }, ...two), [{ id: 'a', n: [1, 2], o: { x: 1, y: 2 } }])
  assert.deepEqual(joined({ strategy: 'replace' }, ...two), [{ id: 'a', n: 2, o: { x: 1, y: 2 } }])
  assert.deepEqual(joined({ strategy: 'keep' }, ...two), [{ id: 'a', n: 1, o: { x: 1, y: 2 } }])
})

test('a document whose id is not a string is dropped', () => {
  assert.deepEqual(joined({}, { id: 7 }, { n: 1 }), [])
})

test('every id is handled in exactly one of the passes', () => {
  const documents = ['a', 'b', 'c', 'd', 'e'].map(id => ({ id }))
  const ids = joined({ iterations: 3 }, ...documents).map(value => JSON.stringify(value))
  assert.deepEqual(
    ids.toSorted(),
    ['a', 'b', 'c', 'd', 'e'].map(id => `{"id":"${id}"}`),
  )
})

test('the hash is xxHash64', () => {
  assert.equal(xxhash64(utf8Bytes('')), 17241709254077376921n)
  assert.equal(xxhash64(utf8Bytes('a')), 15154266338359012955n)
  assert.equal(xxhash64(utf8Bytes(`${'x'.repeat(70)}é`)), 8440379966393744308n)
})
