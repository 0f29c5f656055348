import { describe, it } from 'node:test'
import { assertDetermined } from './determined.ts'
import { PlacementSimulation } from './placement.ts'

describe('the placement of pipelines, with injected faults', () => {
  for (let seed = 1; seed <= 10; seed++) {
    it(`keeps its promises with seed ${seed}`, async () => {
      await new PlacementSimulation(seed).run()
    })
  }
  it('is determined by its seed', () => assertDetermined(() => new PlacementSimulation(1).run()))
})
