import { describe, it } from 'node:test'
import { assertDetermined } from './determined.ts'
import { TransactionsSimulation } from './transactions.ts'

describe('transactions, with injected faults', () => {
  for (let seed = 1; seed <= 15; seed++) {
    it(`are atomic with seed ${seed}`, async () => {
      await new TransactionsSimulation(seed).run()
    })
  }
  it('are determined by the seed', () => assertDetermined(() => new TransactionsSimulation(1).run()))
})
