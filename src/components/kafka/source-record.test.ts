import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordsBatch } from '@platformatic/kafka'
import { abortedBatches } from './source-record.ts'

const transactional = 0x10
const control = 0x20

function batch(firstOffset: number, producerId: number, attributes = 0, key?: Buffer): RecordsBatch {
  // Only the members that matter here.
  return {
    firstOffset: BigInt(firstOffset),
    lastOffsetDelta: 0,
    producerId: BigInt(producerId),
    attributes,
    records: key === undefined ? [] : [{ key }],
  } as unknown as RecordsBatch
}

const marker = (offset: number, producerId: number, type: number) =>
  batch(offset, producerId, transactional | control, Buffer.from([0, 0, 0, type]))
const dropped = (batches: RecordsBatch[], ...aborted: [producerId: number, firstOffset: number][]) => {
  const found = abortedBatches(
    batches,
    aborted.map(([producerId, firstOffset]) => ({ producerId: BigInt(producerId), firstOffset: BigInt(firstOffset) })),
  )
  return batches.filter(one => found.has(one)).map(one => Number(one.firstOffset))
}

test('aborted records are skipped up to their abort marker', () => {
  const batches = [
    batch(0, 1, transactional),
    batch(1, 2, transactional),
    batch(2, -1),
    marker(3, 1, 0),
    batch(4, 1, transactional),
    marker(5, 2, 1),
    marker(6, 1, 1),
  ]
  assert.deepEqual(dropped(batches, [1, 0]), [0])
})

test('a transaction that began before the fetched batches is recognised by its producer id', () => {
  assert.deepEqual(dropped([batch(7, 1, transactional), marker(8, 1, 0), batch(9, 1, transactional)], [1, 2]), [7])
})

test('consecutive aborts of one producer are all honoured', () => {
  const batches = [
    batch(0, 1, transactional),
    marker(1, 1, 0),
    batch(2, 1, transactional),
    marker(3, 1, 1),
    batch(4, 1, transactional),
    marker(5, 1, 0),
  ]
  assert.deepEqual(dropped(batches, [1, 4], [1, 0]), [0, 4])
})

test('records sent outside of transactions are never skipped', () => {
  assert.deepEqual(dropped([batch(0, 1, transactional), batch(1, 1), marker(2, 1, 0)], [1, 0]), [0])
})
