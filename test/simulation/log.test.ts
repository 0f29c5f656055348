import { describe, it } from 'node:test'
import { assertDetermined } from './determined.ts'
import { LogSimulation } from './log.ts'

describe('the log, with injected faults', () => {
  for (let seed = 1; seed <= 25; seed++) {
    it(`keeps its promises with seed ${seed}`, async () => {
      await new LogSimulation(seed).run()
    })
  }
  it('is determined by its seed', () => assertDetermined(() => new LogSimulation(1).run()))
})
