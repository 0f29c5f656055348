import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { MetadataError, type MetadataErrorCode } from './errors.ts'
import { GroupCommit } from './group-commit.ts'
import type { NewObject } from './metadata.ts'
import type { Committed } from './plan.ts'

describe('commits that share transactions', () => {
  /** The keys of each transaction so far, and how to end the oldest that has not ended. */
  let transactions: string[][]
  let ends: ((error?: MetadataErrorCode) => void)[]
  let group: GroupCommit

  beforeEach(() => {
    transactions = []
    ends = []
    group = new GroupCommit(commits => {
      transactions.push(commits.flat().map(({ key }) => key))
      return new Promise((resolve, reject) => {
        ends.push(code =>
          code === undefined ? resolve(commits.map(committed)) : reject(new MetadataError(code, 'refused')),
        )
      })
    })
  })

  const commit = (...keys: string[]) =>
    group.commit(
      keys.map(key => object(key)),
      0,
    )
  /** Ends the oldest transaction, and lets what follows from it happen. */
  const end = async (code?: MetadataErrorCode) => {
    ends.shift()!(code)
    await settled()
  }

  it('include those that wait while two transactions are in progress', async () => {
    const first = commit('a')
    await settled()
    const others = [commit('b')]
    await settled()
    others.push(commit('c', 'd'), commit('e'))
    await settled()
    assert.deepEqual(transactions, [['a'], ['b']])
    await end()
    assert.deepEqual(transactions, [['a'], ['b'], ['c', 'd', 'e']])
    assert.deepEqual(await first, committed([object('a')]))
    await end()
    await end()
    assert.deepEqual(await Promise.all(others), [
      committed([object('b')]),
      committed([object('c'), object('d')]),
      committed([object('e')]),
    ])
  })

  it('are retried one by one when a transaction is rejected', async () => {
    const outcomes = Promise.allSettled([commit('a'), commit('b'), commit('c')])
    await settled()
    await end('epoch_closed')
    await end()
    await end('epoch_closed')
    await end()
    assert.deepEqual(transactions, [['a', 'b', 'c'], ['a'], ['b'], ['c']])
    assert.deepEqual(
      (await outcomes).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
  })

  it('fail together when the outcome is unknown or nothing can be committed', async () => {
    for (const code of ['unknown_outcome', 'busy'] as const) {
      const outcomes = Promise.allSettled([commit('a'), commit('b')])
      await settled()
      await end(code)
      for (const outcome of await outcomes) assert.ok(outcome.status === 'rejected' && outcome.reason.code === code)
      assert.deepEqual(ends, [])
    }
  })

  it('are limited in number per transaction', async () => {
    const large = (key: string) => group.commit([object(key, 5000)], 0)
    const all = Promise.all([large('a'), large('b'), large('c')])
    await settled()
    assert.deepEqual(transactions, [['a'], ['b']])
    await end()
    assert.deepEqual(transactions, [['a'], ['b'], ['c']])
    await end()
    await end()
    await all
  })

  it('are finished before closing, and rejected afterwards', async () => {
    const earlier = [commit('a'), commit('b')]
    let isClosed = false
    const closing = group.close().then(() => {
      isClosed = true
    })
    await assert.rejects(commit('c'), { code: 'closed' })
    await settled()
    assert.equal(isClosed, false)
    await end()
    await Promise.all([...earlier, closing])
    assert.deepEqual(transactions, [['a', 'b']])
  })
})

function object(key: string, batches = 1): NewObject {
  const batch = {
    ...{ partition: 1, position: 0, sizeBytes: 1, records: 1, maxTimestamp: 0, appendTime: false },
    ...{ producerId: -1, producerEpoch: -1, baseSequence: -1, transaction: null },
  }
  return { key, sizeBytes: 1, epoch: 1, batches: Array.from({ length: batches }, () => batch) }
}

/** A result that names the objects. */
function committed(objects: readonly NewObject[]): Committed {
  const ok = { ok: true, appendTimestamp: -1, logStartOffset: 0, duplicate: false } as const
  return { assignments: objects.map(({ key }) => [{ ...ok, baseOffset: key.charCodeAt(0) }]), appended: [] }
}

function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
