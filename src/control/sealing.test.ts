import assert from 'node:assert/strict'
import test from 'node:test'
import { systemRandom } from '../base/index.ts'
import { Sealer, SealingKeyError } from './sealing.ts'

test('a sealed secret opens only with its key and for its row', () => {
  const key = systemRandom.bytes(32)
  const sealer = new Sealer(key, systemRandom)
  const sealed = sealer.seal('aks_1', 'aki_1')
  assert.doesNotMatch(Buffer.from(sealed, 'base64').toString('latin1'), /aks_1/)
  assert.equal(new Sealer(key, systemRandom).open(sealed, 'aki_1'), 'aks_1')
  assert.notEqual(sealer.seal('aks_1', 'aki_1'), sealed)
  assert.throws(() => sealer.open(sealed, 'aki_2'), SealingKeyError)
  assert.throws(() => new Sealer(systemRandom.bytes(32), systemRandom).open(sealed, 'aki_1'), SealingKeyError)
  assert.throws(() => new Sealer(key.subarray(1), systemRandom), /31 bytes and needs 32/)
})
