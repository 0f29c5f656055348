import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Call, isDurable } from './calls.ts'
import type { TransactionEvent } from './transaction.ts'

const producer = { producerId: 1, epoch: 0 }
const fence = { lease: 'transactions/0', epoch: 1 }

describe('writes to the metadata', () => {
  it('wait for the disk, except extensions and the beginning of a transaction', () => {
    const synced: Call[] = [
      { name: 'commit', arguments: [[]] },
      { name: 'commitTransactionOffsets', arguments: ['t', { kind: 'begin', producer }, 'g', [], fence] },
      step({ kind: 'init', producer: null, timeoutMs: 1000, freshProducerId: 1 }),
      step({ kind: 'end', producer, commit: true, nextEpoch: false, freshProducerId: 2 }),
      step({ kind: 'expire' }),
    ]
    const relaxed: Call[] = [
      { name: 'renewEpoch', arguments: [1] },
      { name: 'renewLeases', arguments: [[], 'holder', 1000] },
      step({ kind: 'begin', producer }),
    ]
    assert.deepEqual(synced.map(isDurable), [true, true, true, true, true])
    assert.deepEqual(relaxed.map(isDurable), [false, false, false])
  })
})

function step(event: TransactionEvent): Call {
  return { name: 'stepTransaction', arguments: ['t', event, [], fence] }
}
