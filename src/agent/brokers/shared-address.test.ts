import assert from 'node:assert/strict'
import test from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import type { Peer } from '../../control/index.ts'
import { SharedAddress } from './shared-address.ts'

function peer(nodeId: number, host: string): Peer {
  return { nodeId, host, port: 9092, roles: ['proxy'], group: '', zone: '', isDraining: false }
}

test('another agent with the same address is reported once, but not the predecessor of a restarted one', () => {
  let now = 0
  const reported: unknown[] = []
  const log = { ...nullLog, warn: (_message: string, fields?: object) => void reported.push(fields) }
  const self = peer(1, 'one')
  const shared = new SharedAddress(self, { ...systemClock, monotonic: () => now }, log)
  const at = (ms: number, ...others: Peer[]) => {
    now = ms
    shared.follow([self, ...others])
  }
  at(0, peer(2, 'one'), peer(3, 'three'))
  at(8000, peer(2, 'one'), peer(3, 'three'))
  at(9000, peer(3, 'three'))
  at(16_000, peer(2, 'one'))
  at(30_999, peer(2, 'one'))
  assert.deepEqual(reported, [])
  at(31_000, peer(2, 'one'))
  at(60_000, peer(2, 'one'))
  assert.deepEqual(reported, [{ address: 'one:9092', nodeId: 2 }])
})
