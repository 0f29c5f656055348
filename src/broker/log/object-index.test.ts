import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Catalog, Topic } from '../../metadata/index.ts'
import { DIRECT_BYTES, DISK_BLOCK_BYTES, openMemoryStore } from '../../storage/index.ts'
import { readObjectIndex, writeObjectIndex } from './object-index.ts'

const topic: Topic = { id: 'an-id', name: 'a "topic"', partitions: [7, 8], configs: {}, createdAt: 0 }
const catalog: Catalog = { byName: new Map([[topic.name, topic]]), byId: new Map([[topic.id, topic]]), version: 1 }

describe('the index of an object', () => {
  for (const [recordsBytes, isLarge] of [
    [100, false],
    [DIRECT_BYTES - 1, false],
    [DIRECT_BYTES, true],
    [DIRECT_BYTES + 4001, true],
  ] as const) {
    it(`${isLarge ? 'fills' : 'does not fill'} the last block after ${recordsBytes} bytes of records`, async () => {
      const runs = [{ partition: 8, position: 0, sizeBytes: recordsBytes, offsets: null }]
      const index = writeObjectIndex(5, runs, catalog)
      const sizeBytes = recordsBytes + index.length
      assert.equal(sizeBytes % DISK_BLOCK_BYTES === 0, isLarge)
      const store = openMemoryStore()
      await store.put('key', [Buffer.alloc(recordsBytes), index])
      assert.deepEqual(await readObjectIndex(store, { key: 'key', sizeBytes }), {
        writtenAt: 5,
        partitions: [{ partition: 8, topic: topic.id, topicName: topic.name, number: 1 }],
        runs,
      })
    })
  }
})
