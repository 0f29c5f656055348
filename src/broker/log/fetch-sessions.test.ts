import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemRandom } from '../../base/index.ts'
import { FetchSessions, type SessionAnswer, type SessionPartition, type SessionRequest } from './fetch-sessions.ts'

describe('a fetch session', () => {
  let now = 0
  const clock = { now: () => now, monotonic: () => now, sleep: async () => {} }
  const create = () => new FetchSessions(clock, systemRandom)

  it('is not created for a client that does not want one', () => {
    assert.deepEqual(idOf(create().open(request({ epoch: -1 }))), 0)
  })

  it('includes only partitions that changed', () => {
    const sessions = create()
    const { id, sent } = answer(sessions.open(request({ partitions: [partition(0), partition(1)] })))
    assert.deepEqual(sent, [0, 1])
    assert.deepEqual(answer(sessions.open(request({ id, epoch: 1 }))).sent, [])
    const moved = answer(sessions.open(request({ id, epoch: 2 })), { 1: { highWatermark: 5 } })
    assert.deepEqual([moved.id, moved.sent], [id, [1]])
    assert.deepEqual(
      answer(sessions.open(request({ id, epoch: 3 })), { 0: { sizeBytes: 10 }, 1: { highWatermark: 5 } }).sent,
      [0],
    )
  })

  it('reads the partitions first that had no records last time', () => {
    const sessions = create()
    const { id } = answer(sessions.open(request({ partitions: [0, 1, 2].map(partition) })), { 0: { sizeBytes: 1 } })
    const again = sessions.open(request({ id, epoch: 1 }))
    assert.deepEqual(again.ok && again.partitions.map(({ index }) => index), [1, 2, 0])
  })

  it('repeats errors until they are resolved', () => {
    const sessions = create()
    const { id } = answer(sessions.open(request({})))
    for (const epoch of [1, 2]) {
      assert.deepEqual(answer(sessions.open(request({ id, epoch })), { 0: { errorCode: 1 } }).sent, [0])
    }
    assert.deepEqual(answer(sessions.open(request({ id, epoch: 3 }))).sent, [0], 'and tells when all is well again')
  })

  it('adds, updates and forgets partitions', () => {
    const sessions = create()
    const { id } = answer(sessions.open(request({})))
    const changes = [partition(1), { ...partition(0), offset: 7 }]
    const changed = sessions.open(request({ id, epoch: 1, partitions: changes }))
    assert.deepEqual(changed.ok && changed.partitions.map(({ index, offset }) => [index, offset]), [
      [0, 7],
      [1, 0],
    ])
    const fewer = sessions.open(request({ id, epoch: 2, forgotten: [partition(0)] }))
    assert.deepEqual(fewer.ok && fewer.partitions.map(({ index }) => index), [1])
    assert.equal(idOf(sessions.open(request({ id, epoch: 3, forgotten: [partition(1)] }))), 0)
    assert.equal(idOf(sessions.open(request({ id, epoch: 4 }))), 'FETCH_SESSION_ID_NOT_FOUND')
  })

  it('requires the right id, epoch and kind of topic identifier', () => {
    const sessions = create()
    const { id } = answer(sessions.open(request({})))
    assert.equal(idOf(sessions.open(request({ id: id + 1, epoch: 1 }))), 'FETCH_SESSION_ID_NOT_FOUND')
    assert.equal(idOf(sessions.open(request({ id, epoch: 2 }))), 'INVALID_FETCH_SESSION_EPOCH')
    assert.equal(idOf(sessions.open(request({ id, epoch: 1, byId: true }))), 'FETCH_SESSION_TOPIC_ID_ERROR')
    assert.equal(idOf(sessions.open(request({ id, epoch: -1 }))), 0)
    assert.equal(idOf(sessions.open(request({ id, epoch: 1 }))), 'FETCH_SESSION_ID_NOT_FOUND')
  })

  it('is evicted for a new session once it has been idle for long', () => {
    const sessions = create()
    const ids = Array.from({ length: 1000 }, () => answer(sessions.open(request({}))).id)
    assert.equal(idOf(sessions.open(request({}))), 0)
    now += 120_000
    assert.notEqual(idOf(sessions.open(request({}))), 0)
    assert.equal(idOf(sessions.open(request({ id: ids[0]!, epoch: 1 }))), 'FETCH_SESSION_ID_NOT_FOUND')
    assert.equal(idOf(sessions.open(request({ id: ids[1]!, epoch: 1 }))), ids[1])
  })
})

function partition(index: number): SessionPartition {
  return { topic: { name: 't', id: '' }, index, offset: 0, maxBytes: 1, leaderEpoch: -1 }
}

function request(given: Partial<SessionRequest>): SessionRequest {
  const partitions = given.id ? [] : [partition(0)]
  return { id: 0, epoch: 0, byId: false, partitions, forgotten: [], ...given }
}

function idOf(opened: ReturnType<FetchSessions['open']>): number | string {
  return opened.ok ? opened.id : opened.error
}

/** Answers each partition by index, and returns which answers had to be sent. */
function answer(opened: ReturnType<FetchSessions['open']>, answers: Record<number, Partial<SessionAnswer>> = {}) {
  assert.ok(opened.ok)
  const usual = { errorCode: 0, highWatermark: 0, logStartOffset: 0, sizeBytes: 0 }
  const sent = opened.partitions.filter(one => opened.mustSend(one, { ...usual, ...answers[one.index] }))
  return { id: opened.id, sent: sent.map(({ index }) => index) }
}
