import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Choices } from '../../test/choices.ts'
import {
  finishTransaction,
  type ProducerIdentity,
  stepTransaction,
  type Transaction,
  type TransactionEffect,
  type TransactionEnd,
  type TransactionEvent,
} from './transaction.ts'

const TIMEOUT_MS = 1000

describe('a transactional id', () => {
  it('belongs to the producer that initialised it last', () => {
    const id = new TransactionalId()
    const first = id.init()
    const second = id.init()
    assert.deepEqual(second, { producerId: first.producerId, epoch: first.epoch + 1 })
    assert.equal(id.begin(first), 'PRODUCER_FENCED')
    assert.equal(id.begin(second), 'done')
  })

  it('rejects a producer with another producer id', () => {
    const id = new TransactionalId()
    assert.equal(id.begin({ producerId: 1, epoch: 0 }), 'INVALID_PRODUCER_ID_MAPPING')
    const { producerId, epoch } = id.init()
    assert.equal(id.begin({ producerId: producerId + 1, epoch }), 'INVALID_PRODUCER_ID_MAPPING')
  })

  it('has the open transaction of the old producer aborted before a new one gets it', () => {
    const id = new TransactionalId()
    const zombie = id.init()
    id.begin(zombie)
    const effect = id.tryInit(null)
    assert.equal(effect.kind, 'write_markers')
    assert.equal(id.phase, 'PrepareAbort')
    assert.equal(id.end(zombie, true), 'PRODUCER_FENCED')
    id.finish(effect)
    assert.equal(id.phase, 'CompleteAbort')
    const owner = id.init()
    assert.ok(owner.epoch > zombie.epoch + 1, 'no producer has the epoch of the markers')
  })

  it('lets a producer continue with the id and epoch it was last given (KIP-360)', () => {
    const id = new TransactionalId()
    const before = id.init()
    const after = id.init(before)
    assert.equal(after.epoch, before.epoch + 1)
    assert.deepEqual(id.init(before), after, 'the answer was lost, and it asks again')
    assert.equal(kindOf(id.tryInit({ ...before, epoch: 99 })), 'PRODUCER_FENCED')
    id.init()
    assert.equal(kindOf(id.tryInit(after)), 'PRODUCER_FENCED')
  })

  it('lets a producer continue that had its own transaction aborted', () => {
    const id = new TransactionalId()
    const before = id.init()
    id.begin(before)
    id.finish(id.tryInit(before))
    const after = id.init(before)
    assert.equal(after.epoch, before.epoch + 1)
    assert.equal(id.begin(after), 'done')
  })

  it('gets another producer id when its epochs are exhausted', () => {
    const id = new TransactionalId()
    const first = id.init()
    let last = first
    while (last.producerId === first.producerId && last.epoch < 2 ** 15 - 2) last = id.init(last)
    const next = id.init(last)
    assert.notEqual(next.producerId, first.producerId)
    assert.equal(next.epoch, 0)
    assert.deepEqual(id.init(last), next)
  })

  it('has its transaction aborted after the timeout, not before, and its producer fenced', () => {
    const id = new TransactionalId()
    const producer = id.init()
    id.begin(producer)
    id.now += TIMEOUT_MS - 1
    assert.equal(kindOf(id.step({ kind: 'expire' })), 'done')
    id.now += 1
    const effect = id.step({ kind: 'expire' })
    assert.equal(id.end(producer, true), 'PRODUCER_FENCED')
    assert.deepEqual(id.step({ kind: 'expire' }), effect, 'a coordinator that takes over writes the same markers')
    id.finish(effect)
    assert.equal(id.phase, 'CompleteAbort')
    const back = id.init(producer)
    assert.equal(back.epoch, producer.epoch + 1, 'its producer comes back with what it had (KIP-588)')
    id.init()
    assert.equal(kindOf(id.tryInit(producer)), 'PRODUCER_FENCED', 'unless another one has taken over')
  })
})

describe('a transaction', () => {
  it('is ended once, and repeating the same request succeeds', () => {
    const id = new TransactionalId()
    const producer = id.init()
    id.begin(producer)
    assert.equal(id.end(producer, true), 'write_markers')
    id.finish()
    assert.equal(id.phase, 'CompleteCommit')
    assert.equal(id.end(producer, true), 'done')
    assert.equal(id.end(producer, false), 'INVALID_TXN_STATE')
    assert.equal(id.begin(producer), 'done', 'the next one begins')
    assert.equal(id.phase, 'Ongoing')
  })

  it('cannot be ended before it has begun', () => {
    const id = new TransactionalId()
    const producer = id.init()
    assert.equal(id.end(producer, true), 'INVALID_TXN_STATE')
    assert.equal(id.end(producer, false), 'INVALID_TXN_STATE')
    assert.equal(kindOf(id.step({ kind: 'join', producer })), 'INVALID_TXN_STATE')
  })

  it('is not ended by late markers of an earlier end', () => {
    const id = new TransactionalId()
    const producer = id.init()
    id.begin(producer)
    const late = id.step({ kind: 'end', producer, commit: true, nextEpoch: false, freshProducerId: -1 })
    id.finish(id.tryInit(null))
    assert.equal(late.kind === 'write_markers' && finishTransaction(id.state, late.end), undefined)
  })

  it('has its own epoch if the producer asks for one (KIP-890)', () => {
    const id = new TransactionalId()
    const first = id.init()
    id.begin(first)
    assert.equal(id.end(first, true, true), 'write_markers')
    const end = id.finish()
    const second = { ...first, epoch: first.epoch + 1 }
    assert.deepEqual([end.markerEpoch, end.next], [second.epoch, second])
    assert.equal(id.begin(first), 'PRODUCER_FENCED')
    assert.equal(id.end(first, true, true), 'done', 'the answer was lost, and it asks again')
    assert.equal(id.end(first, false, true), 'INVALID_TXN_STATE')
    assert.equal(id.end(second, true, true), 'INVALID_TXN_STATE', 'nothing was begun')
    assert.equal(id.end(second, false, true), 'done', 'nothing is aborted, in case that something was begun')
    assert.equal(id.state?.epoch, second.epoch + 1)
  })

  it('moves to another producer id at the last epoch', () => {
    const id = new TransactionalId()
    const producer = { producerId: id.init().producerId, epoch: 2 ** 15 - 2 }
    id.state = { ...id.state!, ...producer }
    id.begin(producer)
    id.end(producer, true, true)
    const end = id.finish()
    assert.equal(end.markerEpoch, 2 ** 15 - 1)
    assert.notEqual(end.next.producerId, producer.producerId)
    assert.equal(end.next.epoch, 0)
    assert.equal(id.end(producer, true, true), 'done', 'the answer was lost, and it asks again')
  })
})

describe('a transactional id under random events', () => {
  for (let seed = 1; seed <= 200; seed++) {
    it(`only its owner changes anything, with seed ${seed}`, () => {
      const choices = new Choices(seed)
      const id = new TransactionalId()
      /** All identities ever handed out; only the last may act. */
      const owners: ProducerIdentity[] = [id.init()]
      const pending: TransactionEnd[] = []
      for (let round = 0; round < 200; round++) {
        const owner = owners.at(-1)!
        const anyone = choices.pick(owners)
        const before = id.state
        id.now += choices.below(400)
        switch (choices.below(6)) {
          case 0:
            if (id.begin(anyone) === 'done') assert.deepEqual(anyone, owner)
            break
          case 1:
          case 2: {
            const [commit, nextEpoch] = [choices.chance(0.5), choices.chance(0.5)]
            const effect = id.step({ kind: 'end', producer: anyone, commit, nextEpoch, freshProducerId: id.fresh++ })
            if (effect.kind === 'write_markers') {
              assert.deepEqual(anyone, owner)
              pending.push(effect.end)
            }
            if (effect.kind === 'refuse') assert.equal(id.state, before)
            if (effect.kind === 'done' && !isIn(owners, effect.producer)) owners.push(effect.producer)
            break
          }
          case 3: {
            const effect = id.tryInit(choices.chance(0.3) ? anyone : null)
            if (effect.kind === 'write_markers') pending.push(effect.end)
            if (effect.kind === 'refuse') assert.equal(id.state, before)
            if (effect.kind === 'done' && !isIn(owners, effect.producer)) owners.push(effect.producer)
            break
          }
          case 4: {
            const effect = id.step({ kind: 'expire' })
            if (effect.kind === 'write_markers') pending.push(effect.end)
            break
          }
          default: {
            // Markers are committed in any order, twice, late, or never.
            const end = pending.length === 0 ? undefined : choices.pick(pending)
            const finished = end && finishTransaction(id.state, end)
            if (!end || !finished) break
            assert.deepEqual({ producerId: id.state!.producerId, epoch: id.state!.epoch }, end.producer)
            assert.notEqual(finished.phase, 'Ongoing')
            id.state = finished
            assert.equal(finishTransaction(id.state, end), undefined, 'an end happens once')
            if (!isIn(owners, end.next) && id.state.previous !== null) owners.push(end.next)
          }
        }
        const { epoch, phase, startedAt } = id.state!
        assert.ok(epoch >= 0 && epoch < 2 ** 15)
        assert.equal(startedAt !== null, phase === 'Ongoing' || phase === 'PrepareAbort')
      }
    })
  }
})

/** A transactional id that stores every event's result immediately. */
class TransactionalId {
  state: Transaction | undefined
  now = 1_000_000
  fresh = 7
  #effect: TransactionEffect | undefined

  get phase() {
    return this.state?.phase
  }

  step(event: TransactionEvent): TransactionEffect {
    const [state, effect] = stepTransaction(this.state, 'id', event, this.now)
    this.state = state
    this.#effect = effect
    return effect
  }

  tryInit(producer: ProducerIdentity | null): TransactionEffect {
    return this.step({ kind: 'init', producer, timeoutMs: TIMEOUT_MS, freshProducerId: this.fresh++ })
  }

  init(producer: ProducerIdentity | null = null): ProducerIdentity {
    const effect = this.tryInit(producer)
    assert.ok(effect.kind === 'done')
    return effect.producer
  }

  begin(producer: ProducerIdentity): string {
    return kindOf(this.step({ kind: 'begin', producer }))
  }

  end(producer: ProducerIdentity, commit: boolean, nextEpoch = false): string {
    return kindOf(this.step({ kind: 'end', producer, commit, nextEpoch, freshProducerId: this.fresh++ }))
  }

  /** Commits the markers of the latest effect. */
  finish(effect = this.#effect): TransactionEnd {
    assert.ok(effect?.kind === 'write_markers')
    this.state = finishTransaction(this.state, effect.end)
    assert.ok(this.state)
    return effect.end
  }
}

function kindOf(effect: TransactionEffect): string {
  return effect.kind === 'refuse' ? effect.code : effect.kind
}

function isIn(all: readonly ProducerIdentity[], one: ProducerIdentity): boolean {
  return all.some(({ producerId, epoch }) => producerId === one.producerId && epoch === one.epoch)
}
