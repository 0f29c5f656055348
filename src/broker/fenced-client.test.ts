import assert from 'node:assert/strict'
import test from 'node:test'
import { clientName, fenceFeature } from './fenced-client.ts'

test("a fence travels in the client id and is not part of the client's name", () => {
  const fence = { lease: 'pipeline/pi_1/cluster/0', epoch: 12 }
  for (const clientId of ['orders', 'ws_az=a,orders', ''])
    assert.deepEqual(clientName(clientId + fenceFeature(fence)), { clientId, fence })
})

test('other client ids are unchanged', () => {
  for (const clientId of [null, '', 'orders', 'ws_az=a,orders', 'orders,penstock_fence=x', 'penstock_fence='])
    assert.deepEqual(clientName(clientId), { clientId, fence: undefined })
})
