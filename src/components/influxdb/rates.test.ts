import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextRates } from './rates.ts'

test('moving averages forget with time, the mean does not', () => {
  const first = nextRates(undefined, 120, 60_000, 0)
  assert.deepEqual(first.fields, { '1m.rate': 2, '5m.rate': 2, '15m.rate': 2, 'mean.rate': 2 })
  const { fields } = nextRates(first, 120, 120_000, 0)
  assert.deepEqual(fields, {
    '1m.rate': 2 * Math.exp(-1),
    '5m.rate': 2 * Math.exp(-1 / 5),
    '15m.rate': 2 * Math.exp(-1 / 15),
    'mean.rate': 1,
  })
})
