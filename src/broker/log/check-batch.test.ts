import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { writeBatch, writeRecords } from '../../kafka/index.ts'
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

  it('is stored in any compression', () => {
    for (const codec of [0, 1, 2, 3, 4]) assert.equal(check(good({ codec })), 'stored', `codec ${codec}`)
    assert.equal(check(lying({})), 'stored')
  })

  it('has to be there, whole and alone', () => {
    const batch = good()
    assert.equal(check(null), 'INVALID_RECORD')
    assert.equal(check(Buffer.alloc(0)), 'INVALID_RECORD')
    assert.equal(check(batch.subarray(0, 30)), 'INVALID_RECORD')
    assert.equal(check(batch.subarray(0, -1)), 'INVALID_RECORD')
    assert.equal(check(Buffer.concat([batch, batch])), 'INVALID_RECORD')
  })

  it('has to have the right checksum', () => {
    for (const at of [17, 30, 70]) {
      const batch = good()
      batch[at]! ^= 1
      assert.equal(check(batch), 'CORRUPT_MESSAGE')
    }
  })

  it('has to have a time that a number can hold, whatever its topic allows', () => {
    const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }
    assert.equal(check(lying({ maxTimestamp: 2 ** 52 }), anyTime), 'stored')
    assert.equal(check(lying({ maxTimestamp: 2 ** 60 }), anyTime), 'INVALID_TIMESTAMP')
  })

  it('has to be of format 2', () => {
    const batch = good()
    batch[16] = 1
    assert.equal(check(batch), 'INVALID_RECORD')
  })

  it('has to say truly how many records it has', () => {
    assert.equal(check(lying({ recordsCount: 2 })), 'INVALID_RECORD')
    assert.equal(check(lying({ lastOffsetDelta: 5 })), 'INVALID_RECORD')
    assert.equal(check(lying({ recordsCount: 0, lastOffsetDelta: -1 })), 'INVALID_RECORD')
    assert.equal(check(lying({ recordsCount: 2, lastOffsetDelta: 1 })), 'INVALID_RECORD')
    assert.equal(check(lying({ recordsCount: 4, lastOffsetDelta: 3 })), 'INVALID_RECORD')
    const swapped = Buffer.from(good().subarray(61))
    // The offset delta of the second record: behind its length, attributes and timestamp delta.
    swapped[9 + 3] = 8
    const header = { lastOffsetDelta: 2, recordsCount: 3, baseTimestamp: NOW, maxTimestamp: NOW }
    assert.equal(check(writeBatch(header, swapped)), 'INVALID_RECORD')
  })

  it('may not do what is the business of brokers', () => {
    assert.equal(check(lying({ baseOffset: 5 })), 'INVALID_RECORD')
    assert.equal(check(lying({ control: true })), 'INVALID_RECORD')
  })

  it('needs a sequence and an epoch with its producer id', () => {
    assert.equal(check(lying({ producerId: 1, producerEpoch: 0, baseSequence: -1 })), 'INVALID_RECORD')
    assert.equal(check(lying({ producerId: 1, producerEpoch: -1, baseSequence: 0 })), 'INVALID_RECORD')
    assert.equal(check(lying({ producerId: 1, producerEpoch: 0, baseSequence: 0 })), 'stored')
  })

  it('uses no compression that its version of the API does not know', () => {
    assert.equal(check(good({ codec: 4 }), {}, 6), 'UNSUPPORTED_COMPRESSION_TYPE')
    for (const codec of [5, 6, 7]) assert.equal(check(lying({ codec })), 'UNSUPPORTED_COMPRESSION_TYPE')
  })

  it('is not larger than its topic allows, all its bytes counted', () => {
    const batch = good()
    assert.equal(check(batch, { 'max.message.bytes': String(batch.length) }), 'stored')
    assert.equal(check(batch, { 'max.message.bytes': String(batch.length - 1) }), 'MESSAGE_TOO_LARGE')
  })

  it('is not too far from the present, unless it gets the time of the log', () => {
    const far = good({ timestamp: NOW + 3_700_000 })
    assert.equal(check(far), 'INVALID_TIMESTAMP')
    assert.equal(check(far, { 'message.timestamp.type': 'LogAppendTime' }), 'stored')
    assert.equal(check(good({ timestamp: 5 })), 'stored')
    assert.equal(check(good({ timestamp: 5 }), { 'message.timestamp.before.max.ms': '1000' }), 'INVALID_TIMESTAMP')
  })

  it('has a key in every record of a compacted topic', () => {
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
