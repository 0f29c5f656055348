import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTopics } from './topics.ts'

test('topics are named alone or several in one text', () => {
  assert.deepEqual(parseTopics(['foo', 'bar, baz', '']).topics, ['foo', 'bar', 'baz'])
})

test('partitions are named one by one, in ranges and with an offset', () => {
  const { topics, partitions } = parseTopics(['foo:1', 'foo:3-5', 'bar:0:25', 'bar:0'])
  assert.deepEqual(topics, [])
  assert.deepEqual([...partitions.get('foo')!], [[1, undefined], [3, undefined], [4, undefined], [5, undefined]]) // biome-ignore format: a table
  assert.deepEqual([...partitions.get('bar')!], [[0, 25n]])
  assert.deepEqual([...parseTopics(['foo:5:3', 'foo:5:-1']).partitions.get('foo')!], [[5, 3n]])
})

test('an invalid partition or offset is refused, and the error quotes the entry', () => {
  assert.throws(() => parseTopics(['foo:a']), /topic 'foo:a' is invalid/)
  assert.throws(() => parseTopics(['foo:1-2-3']), /only one range/)
  assert.throws(() => parseTopics(['foo:1:2:3']), /only one partition and an optional offset/)
  assert.throws(() => parseTopics(['foo:1:x']), /failed to parse offset 'x'/)
})
