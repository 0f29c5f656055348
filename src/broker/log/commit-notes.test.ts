import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Appended, Extent } from '../../metadata/index.ts'
import { openMemoryStore, type ObjectStore, StorageError } from '../../storage/index.ts'
import { CommitNotes, readNote } from './commit-notes.ts'

describe('notes on commits', () => {
  it('have a bounded size each and together hold every commit, in order', async () => {
    const store = openMemoryStore()
    const notes = new CommitNotes(store)
    for (let offset = 0; offset < 10_000; offset++) notes.add([appendedAt(offset)])
    await notes.write(newKeys())
    assert.deepEqual(
      (await notedIn(store)).flat(),
      Array.from({ length: 10_000 }, (_, offset) => offset),
    )
    assert.deepEqual(
      (await notedIn(store)).map(offsets => offsets.length),
      [4000, 4000, 2000],
    )
  })

  it('that could not be written are written by the next attempt', async () => {
    const store = openMemoryStore()
    let failures = 1
    const put: ObjectStore['put'] = async (...given) => {
      if (failures-- > 0) throw new StorageError('unavailable', 'the store is not reachable')
      return store.put(...given)
    }
    const notes = new CommitNotes({ ...store, put })
    notes.add([appendedAt(1)])
    const newKey = newKeys()
    await assert.rejects(notes.write(newKey), StorageError)
    notes.add([appendedAt(2)])
    await notes.write(newKey)
    assert.deepEqual(await notedIn(store), [[1, 2]])
  })

  it('leave the oldest commits to the manifest when too many wait', async () => {
    const store = openMemoryStore()
    const notes = new CommitNotes(store)
    notes.add(Array.from({ length: 250_000 }, (_, offset) => appendedAt(offset)))
    await notes.write(newKeys())
    const noted = (await notedIn(store)).flat()
    assert.ok(noted.length <= 200_000 && noted.length > 190_000)
    assert.deepEqual([noted[0], noted.at(-1)], [250_000 - noted.length, 249_999])
  })
})

function newKeys(): () => string {
  let next = 0
  return () => `commits/${String(next++).padStart(4, '0')}`
}

/** The base offsets in each note. */
async function notedIn(store: ObjectStore): Promise<number[][]> {
  const objects = await store.list()
  return Promise.all(objects.map(async ({ key }) => readNote(await store.get(key)).map(({ baseOffset }) => baseOffset)))
}

function appendedAt(offset: number): Appended {
  const extent: Extent = {
    partition: 1,
    baseOffset: offset,
    lastOffset: offset,
    key: 'data/1/0000000000',
    position: 0,
    sizeBytes: 100,
    maxTimestamp: 0,
    appendTimestamp: -1,
  }
  const bounds = { logStartOffset: 0, highWatermark: offset + 1, lastStableOffset: offset + 1, sizeBytes: 100 }
  return { ...bounds, partition: 1, extents: [extent], appendedBytes: 100, aborted: [] }
}
