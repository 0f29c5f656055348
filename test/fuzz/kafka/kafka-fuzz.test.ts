import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fuzzBroker } from './fuzz-broker.ts'

it('damaged requests cost no more than their connection', async () => {
  const { answers, refused, findings } = await fuzzBroker({ seed: 1, frames: 4000 })
  assert.deepEqual(findings, [])
  assert.ok(answers > 200, `${answers} answers`)
  assert.ok(refused > 200, `${refused} connections refused`)
})
