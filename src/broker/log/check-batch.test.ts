import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { batchCrcFits, compress, readRecords, writeBatch, writeRecords } from '../../kafka/index.ts'
import { defaultBrokerConfig } from '../config.ts'
import { topicConfig } from '../topic-config.ts'
import { checkBatch } from './check-batch.ts'

const NOW = 1_700_000_000_000
const LATEST_VERSION = 13

describe('a batch from a producer', () => {
  const topic = (configs = {}) =>
    topicConfig({ id: '', name: '', partitions: [], createdAt: 0, configs }, defaultBrokerConfig)
  const check = (records: Buffer | null, configs = {}, version = LATEST_VERSION) => {
    const checked = checkBatch(records, version, topic(configs), NOW)
    return checked.ok ? 'stored' : checked.error
  }
  const three = ['a', 'b', 'c'].map(text => ({ key: Buffer.from(text), value: Buffer.from(text) }))
  const good = (fields = {}) => writeRecords(three, { timestamp: NOW, ...fields })
  /** The same records under another header. */
  const lying = (fields: object) => {
    const header = { lastOffsetDelta: 2, recordsCount: 3, baseTimestamp: NOW, maxTimestamp: NOW, ...fields }
    return writeBatch(header, good().subarray(61))
  }

  it('is stored whatever its compression', () => {
    for (const codec of [0, 1, 2, 3, 4]) assert.equal(check(good({ codec })), 'stored', `codec ${codec}`)
    assert.equal(check(lying({})), 'stored')
  })

  it('must be present, complete and the only one', () => {
    const batch = good()
    assert.equal(check(null), 'INVALID_RECORD')
    assert.equal(check(Buffer.alloc(0)), 'INVALID_RECORD')
    assert.equal(check(batch.subarray(0, 30)), 'INVALID_RECORD')
    assert.equal(check(batch.subarray(0, -1)), 'INVALID_RECORD')
    assert.equal(check(Buffer.concat([batch, batch])), 'INVALID_RECORD')
  })

  it('must have a correct checksum', () => {
    for (const at of [17, 30, 70]) {
      const batch = good()
      batch[at]! ^= 1
      assert.equal(check(batch), 'CORRUPT_MESSAGE')
    }
  })

  it('must have a timestamp within the safe integer range, whatever its topic allows', () => {
    const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }
    assert.equal(check(lying({ baseTimestamp: 2 ** 52 }), anyTime), 'stored')
    assert.equal(check(lying({ baseTimestamp: 2 ** 60 }), anyTime), 'INVALID_TIMESTAMP')
  })

  it('must be of format 2', () => {
    const batch = good()
    batch[16] = 1
    assert.equal(check(batch), 'INVALID_RECORD')
  })

  it('must state its number of records correctly', () => {
    assert.equal(check(lying({ recordsCount: 2 })), 'INVALID_RECORD')
    assert.equal(check(lying({ lastOffsetDelta: 5 })), 'INVALID_RECORD')
    assert.equal(check(lying({ recordsCount: 0, lastOffsetDelta: -1 })), 'INVALID_RECORD')
    assert.equal(check(lying({ recordsCount: 2, lastOffsetDelta: 1 })), 'INVALID_RECORD')
    assert.equal(check(lying({ recordsCount: 4, lastOffsetDelta: 3 })), 'INVALID_RECORD')
    const swapped = Buffer.from(good().subarray(61))
    // The offset delta of the second record, which follows its length, attributes and timestamp delta.
    swapped[9 + 3] = 8
    const header = { lastOffsetDelta: 2, recordsCount: 3, baseTimestamp: NOW, maxTimestamp: NOW }
    assert.equal(check(writeBatch(header, swapped)), 'INVALID_RECORD')
  })

  it('must have records that can be read to the end, in any compression', () => {
    const header = { lastOffsetDelta: 0, recordsCount: 1, baseTimestamp: NOW, maxTimestamp: NOW }
    // Zigzag numbers: 2 is one byte, 1 is null. The record: attributes, time, number, key, value, headers.
    const bodies = {
      'no key, no value, no headers': [12, 0, 0, 0, 1, 1, 0],
      'a header with a key': [20, 0, 0, 0, 1, 1, 2, 2, 0x6b, 2, 0x76],
      'a header without a value': [18, 0, 0, 0, 1, 1, 2, 2, 0x6b, 1],
      'a header without a key': [16, 0, 0, 0, 1, 1, 2, 1, 1],
      'a negative number of headers': [12, 0, 0, 0, 1, 1, 1],
      'more headers than there are': [16, 0, 0, 0, 1, 1, 200, 0, 0],
      'a key longer than its record': [14, 0, 0, 0, 40, 0x6b, 1, 0],
      'a value longer than its record': [14, 0, 0, 0, 1, 40, 0x76, 0],
      'a byte too many': [14, 0, 0, 0, 1, 1, 0, 0],
      'a byte behind the records': [12, 0, 0, 0, 1, 1, 0, 9],
      'no records at all': [],
    }
    for (const [name, bytes] of Object.entries(bodies)) {
      const expected = /^(no key|a header with a key|a header without a value)/.test(name) ? 'stored' : 'INVALID_RECORD'
      for (const codec of [0, 1, 2, 3, 4]) {
        const batch = writeBatch({ ...header, codec }, compress(codec, Buffer.from(bytes)))
        assert.equal(check(batch), expected, `${name}, codec ${codec}`)
      }
    }
  })

  it('must have compressed records that can be decompressed', () => {
    const header = { lastOffsetDelta: 2, recordsCount: 3, baseTimestamp: NOW, maxTimestamp: NOW }
    for (const codec of [1, 2, 3, 4]) {
      const body = good({ codec }).subarray(61)
      const bodies = { garbage: Buffer.alloc(40, 0x99), nothing: Buffer.alloc(0), cut: body.subarray(0, -8) }
      for (const [name, bytes] of Object.entries(bodies)) {
        assert.equal(check(writeBatch({ ...header, codec }, bytes)), 'INVALID_RECORD', `${name}, codec ${codec}`)
      }
      for (const recordsCount of [2, 4]) {
        const lying = writeBatch({ ...header, codec, recordsCount, lastOffsetDelta: recordsCount - 1 }, body)
        assert.equal(check(lying), 'INVALID_RECORD', `${recordsCount} records, codec ${codec}`)
      }
    }
  })

  it('gets its true maximum timestamp, by which it is looked up', () => {
    const times = [NOW, NOW + 500, NOW + 100].map(timestamp => ({ timestamp, value: Buffer.from('x') }))
    for (const codec of [0, 4]) {
      const body = writeRecords(times, { timestamp: NOW, codec }).subarray(61)
      const batch = writeBatch(
        { codec, lastOffsetDelta: 2, recordsCount: 3, baseTimestamp: NOW, maxTimestamp: 5 },
        body,
      )
      const checked = checkBatch(batch, LATEST_VERSION, topic(), NOW)
      assert.ok(checked.ok)
      assert.equal(checked.header.maxTimestamp, NOW + 500)
      assert.deepEqual(checked.records, writeRecords(times, { timestamp: NOW, codec }))
    }
  })

  it('is compressed as its topic requires', () => {
    const long = Array.from({ length: 50 }, () => ({ value: Buffer.alloc(200, 'x') }))
    const sent = (codec: number) =>
      writeRecords(long, { timestamp: NOW, codec, producerId: 7, producerEpoch: 1, baseSequence: 3 })
    const stored = (codec: number, configs: Record<string, string>) => {
      const checked = checkBatch(sent(codec), LATEST_VERSION, topic(configs), NOW)
      assert.ok(checked.ok)
      assert.ok(batchCrcFits(checked.records))
      assert.equal(checked.header.sizeBytes, checked.records.length)
      assert.deepEqual(readRecords(checked.records), readRecords(sent(codec)))
      const { producerId, producerEpoch, baseSequence } = checked.header
      assert.deepEqual([producerId, producerEpoch, baseSequence], [7, 1, 3])
      return checked.header.codec
    }
    for (const [number, type] of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].entries()) {
      for (const codec of [0, 1, 2, 3, 4]) assert.equal(stored(codec, { 'compression.type': type }), number, type)
    }
    assert.equal(stored(2, { 'compression.type': 'producer' }), 2)
    assert.equal(stored(0, { 'compression.type': 'gzip', 'compression.gzip.level': '9' }), 1)
    assert.equal(
      check(sent(1), { 'compression.type': 'uncompressed', 'max.message.bytes': '2000' }),
      'MESSAGE_TOO_LARGE',
    )
  })

  it('must not set what only brokers may set', () => {
    assert.equal(check(lying({ baseOffset: 5 })), 'INVALID_RECORD')
    assert.equal(check(lying({ control: true })), 'INVALID_RECORD')
  })

  it('needs a sequence number and an epoch with its producer id', () => {
    assert.equal(check(lying({ producerId: 1, producerEpoch: 0, baseSequence: -1 })), 'INVALID_RECORD')
    assert.equal(check(lying({ producerId: 1, producerEpoch: -1, baseSequence: 0 })), 'INVALID_RECORD')
    assert.equal(check(lying({ producerId: 1, producerEpoch: 0, baseSequence: 0 })), 'stored')
  })

  it('must not use a compression unknown to its API version', () => {
    assert.equal(check(good({ codec: 4 }), {}, 6), 'UNSUPPORTED_COMPRESSION_TYPE')
    for (const codec of [5, 6, 7]) assert.equal(check(lying({ codec })), 'UNSUPPORTED_COMPRESSION_TYPE')
  })

  it('must not be larger than its topic allows, header included', () => {
    const batch = good()
    assert.equal(check(batch, { 'max.message.bytes': String(batch.length) }), 'stored')
    assert.equal(check(batch, { 'max.message.bytes': String(batch.length - 1) }), 'MESSAGE_TOO_LARGE')
  })

  it('must not be too far from the present, unless it gets the log append time', () => {
    const far = good({ timestamp: NOW + 3_700_000 })
    assert.equal(check(far), 'INVALID_TIMESTAMP')
    assert.equal(check(far, { 'message.timestamp.type': 'LogAppendTime' }), 'stored')
    assert.equal(check(good({ timestamp: 5 })), 'stored')
    assert.equal(check(good({ timestamp: 5 }), { 'message.timestamp.before.max.ms': '1000' }), 'INVALID_TIMESTAMP')
  })

  it('must have a key in every record for a compacted topic', () => {
    const configs = { 'cleanup.policy': 'compact' }
    for (const codec of [0, 1]) {
      const batch = writeRecords([three[0]!, { value: Buffer.from('keyless') }, three[2]!], { timestamp: NOW, codec })
      const checked = checkBatch(batch, LATEST_VERSION, topic(configs), NOW)
      assert.deepEqual(!checked.ok && [checked.error, checked.records?.map(({ index }) => index)], [
        'INVALID_RECORD',
        [1],
      ])
      assert.equal(check(good({ codec }), configs), 'stored')
    }
  })
})
