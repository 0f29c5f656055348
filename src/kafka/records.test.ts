import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Reader, readRecordsBatches } from '@platformatic/kafka'
import { crc32c, crc32cInScript, crc32cOfChanged } from './crc32c.ts'
import { murmur2 } from './murmur2.ts'
import { ProtocolError } from './reader.ts'
import { batchCrcFits, compressionNames, placedHeader, readBatchHeader } from './record-batch.ts'
import { readRecords, writeRecords } from './records.ts'

const some = Array.from({ length: 50 }, (_, i) => ({
  key: i % 3 === 0 ? null : Buffer.from(`key ${i}`),
  value: i % 7 === 0 ? null : Buffer.from(`value ${i} `.repeat(40)),
  timestamp: 1_700_000_000_000 + i * 3 - (i % 5) * 10,
  headers: [{ key: 'h', value: i % 2 === 0 ? null : Buffer.from('x') }],
}))

for (const [codec, name] of compressionNames.entries()) {
  test(`records compressed with ${name} survive a round trip`, () => {
    const batch = writeRecords(some, { timestamp: 0, codec })
    assert.ok(batchCrcFits(batch))
    const records = readRecords(batch)
    assert.deepEqual(
      records.map(({ offset: _offset, ...record }) => record),
      some,
    )
    assert.deepEqual(
      records.map(record => record.offset),
      some.map((_, i) => i),
    )
    assert.equal(readBatchHeader(batch)?.codec, codec)
  })

  test(`corrupt records in ${name} are a protocol error and do not affect later calls`, () => {
    const batch = writeRecords(some, { timestamp: 0, codec })
    for (let i = 61; i < batch.length; i += Math.ceil(batch.length / 60)) {
      const corrupt = Buffer.from(batch)
      corrupt[i]! ^= 0x55
      try {
        readRecords(corrupt, 1 << 20)
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error))
      }
    }
    assert.equal(readRecords(batch).length, some.length)
  })
}

test('another implementation reads our batches', () => {
  const batch = writeRecords(some, { timestamp: 0 })
  const [other] = readRecordsBatches(Reader.from(batch))
  assert.equal(other?.records.length, some.length)
  assert.equal(other?.records[1]?.value?.toString(), some[1]?.value?.toString())
})

test('a batch that decompresses beyond the limit is rejected', () => {
  const large = [{ value: Buffer.alloc(1 << 20) }]
  for (const codec of [1, 2, 3, 4]) {
    const batch = writeRecords(large, { timestamp: 0, codec })
    assert.throws(() => readRecords(batch, 1000), ProtocolError)
  }
})

test('LogAppendTime updates both the header and the checksum', () => {
  const batch = writeRecords(some, { timestamp: 0, codec: 4, producerId: 7 })
  const header = placedHeader(batch, batch.length, 12_345_678_901, 1_800_000_000_001)
  const placed = Buffer.concat([header, batch.subarray(header.length)])
  assert.ok(batchCrcFits(placed))
  assert.ok(readRecords(placed).every(record => record.timestamp === 1_800_000_000_001))
  assert.equal(readRecords(placed)[3]?.offset, 12_345_678_904)
  const unstamped = placedHeader(batch, batch.length, 5)
  assert.equal(readBatchHeader(unstamped)?.crc, readBatchHeader(batch)?.crc)
  assert.equal(readBatchHeader(unstamped)?.baseOffset, 5)
})

test('both CRC implementations agree, in one piece and in several', () => {
  const data = Buffer.from(Array.from({ length: 4099 }, (_, i) => (i * 31) & 255))
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(data), crc32cInScript(data))
  assert.equal(crc32c(data.subarray(1000), crc32c(data.subarray(0, 1000))), crc32cInScript(data))
})

test('the checksum after a change is computed from the change alone', () => {
  for (const size of [1, 21, 300, 70_001]) {
    const data = Buffer.alloc(size, 7)
    const changed = Buffer.from(data)
    changed[0] = 99
    assert.equal(crc32cOfChanged(crc32c(data), Buffer.from([7 ^ 99]), size - 1), crc32c(changed))
  }
})

test('murmur2 matches the Java client', () => {
  const known = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536, abc: 479470107 }
  for (const [key, hash] of Object.entries(known)) assert.equal(murmur2(Buffer.from(key)), hash)
})
