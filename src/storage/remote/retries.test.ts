import assert from 'node:assert/strict'
import test from 'node:test'
import { Hedge } from './retries.ts'

test('one in twenty slow reads is hedged', async () => {
  const hedge = new Hedge(1)
  let reads = 0
  const count = 40
  for (let index = 0; index < count; index++) {
    await hedge.run(undefined, async signal => {
      reads++
      // Slow until it is aborted, or until it is clear that no hedge was sent.
      await new Promise(resolve => {
        const timer = setTimeout(resolve, 40)
        signal.addEventListener('abort', () => (clearTimeout(timer), resolve(null)), { once: true })
      })
    })
  }
  // The initial budget allows two hedges.
  assert.ok(reads - count <= count / 20 + 2, `${reads - count} of ${count} were doubled`)
  assert.ok(reads > count, 'slow reads are doubled at all')
})
