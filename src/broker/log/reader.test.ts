import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../../base/index.ts'
import { readBatchHeader, writeRecords } from '../../kafka/index.ts'
import { openSqliteMetadata } from '../../metadata/index.ts'
import { openMemoryStore } from '../../storage/index.ts'
import { defaultBrokerConfig } from '../config.ts'
import { topicConfig } from '../topic-config.ts'
import { type LogConfig, localLogConfig } from './config.ts'
import { openRecordLog } from './record-log.ts'

test('a reader that goes back in a merged object learns of the transactions aborted there', async () => {
  const metadata = await openSqliteMetadata({ path: ':memory:', clock: systemClock, random: systemRandom })
  const store = openMemoryStore()
  const open = (changes: Partial<LogConfig> = {}) =>
    openRecordLog({
      ...{ metadata, store, clock: systemClock, random: systemRandom, log: nullLog },
      config: { ...localLogConfig, lingerMs: 1, housekeepingIntervalMs: 1e6, ...changes },
      topicConfig: of => topicConfig(of, defaultBrokerConfig),
    })
  let log = await open({ mergeObjects: 4, mergeSpareObjects: 0, deadObjectGraceMs: 0 })
  try {
    const [outcome] = await metadata.createTopics([{ name: 'one', partitions: 1, configs: {} }])
    assert.ok(outcome?.ok)
    const partition = outcome.value.partitions[0]!
    const put = async (text: string, fields = {}, transaction?: { kind: 'records'; id: string; joins: boolean }) => {
      const records = writeRecords([{ value: Buffer.from(text) }], { timestamp: Date.now(), ...fields })
      const append = { partition, records, header: readBatchHeader(records)!, appendTime: false }
      const [written] = await log.append([{ ...append, ...(transaction && { transaction }) }])
      assert.ok(written?.ok)
    }

    const fence = { lease: 'transactions/1', epoch: 1 }
    await metadata.raiseFence(fence)
    const init = { kind: 'init', producer: null, timeoutMs: 60_000, freshProducerId: 7 } as const
    await metadata.stepTransaction('tx', init, [], fence)
    const producer = { producerId: 7, epoch: 0 }
    await metadata.stepTransaction('tx', { kind: 'begin', producer }, [partition], fence)
    const fields = { producerId: 7, producerEpoch: 0, baseSequence: 0, transactional: true }
    await put('aborted', fields, { kind: 'records', id: 'tx', joins: false })
    const end = { id: 'tx', producer, commit: false, markerEpoch: 0, next: producer }
    await log.endTransaction(end, [partition], 0)
    await put('a')
    await put('b')
    await log.runMaintenance()
    assert.equal((await store.list({ prefix: 'data/' })).length, 1, 'merged')
    await put('c')

    // A process that has not written these records looks them up.
    await log.close()
    log = await open()
    const limits = { minBytes: 1, maxWaitMs: 0, maxBytes: 1e6, readCommitted: true }
    for (const [offset, aborted] of [
      [3, []],
      [0, [{ producerId: 7, firstOffset: 0, lastOffset: 1 }]],
    ] as const) {
      const query = { partition, offset, maxBytes: 1e6 }
      const [answer] = await log.fetch([query], limits, new AbortController().signal)
      assert.deepEqual(answer!.aborted, aborted, `from ${offset}`)
    }
  } finally {
    await log.close()
    await metadata.close()
  }
})
