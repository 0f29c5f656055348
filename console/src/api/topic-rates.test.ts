import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureTopics } from './topic-rates.ts'
import type { Topic } from './types.ts'

function topic(name: string, recordCount: number): Topic {
  return {
    topic_name: name,
    partition_count: 1,
    configs: {},
    is_internal: false,
    record_count: recordCount,
    size_bytes: 0,
  }
}

test('a rate counts the records written between two measurements', () => {
  const first = measureTopics(undefined, [topic('a', 100)], 1000)
  assert.equal(first.topics[0]?.records_per_second, null)
  const second = measureTopics(first, [topic('a', 130), topic('new', 9)], 4000)
  assert.deepEqual(
    second.topics.map(one => one.records_per_second),
    [10, 3],
  )
})

test('an immediate second measurement keeps the rate and the start of the interval', () => {
  const first = measureTopics(measureTopics(undefined, [topic('a', 0)], 0), [topic('a', 30)], 3000)
  const again = measureTopics(first, [topic('a', 31)], 3100)
  assert.deepEqual([again.topics[0]?.records_per_second, again.topics[0]?.record_count], [10, 31])
  assert.equal(measureTopics(again, [topic('a', 60)], 6000).topics[0]?.records_per_second, 10)
})

test('records removed by retention do not make the rate negative', () => {
  const first = measureTopics(undefined, [topic('a', 100)], 0)
  assert.equal(measureTopics(first, [topic('a', 40)], 3000).topics[0]?.records_per_second, 0)
})
