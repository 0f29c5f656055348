import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nullLog } from '../base/index.ts'
import { agentHello } from './agent-hello.suite.ts'
import { FleetWarnings } from './fleet-warnings.ts'
import type { AgentHello, RegisteredAgent } from './model.ts'

describe('the check for agents with the same Kafka address', () => {
  const agent = (id: string, registeredAt: number, lastSeenAt: number, changes: Partial<AgentHello> = {}) =>
    ({
      id,
      clusterId: 'vci_1',
      hello: { ...agentHello, roles: ['proxy', 'jobs'], kafkaAddress: 'one:9092', ...changes },
      registeredAt,
      lastSeenAt,
      ordersRevision: 1,
      reported: null,
    }) satisfies RegisteredAgent

  const reportsOf = (...rounds: (readonly RegisteredAgent[])[]) => {
    const reported: unknown[] = []
    const log = { ...nullLog, warn: (_message: string, fields?: object) => void reported.push(fields) }
    const warnings = new FleetWarnings('vci_1', log)
    for (const round of rounds) warnings.check(round)
    return reported
  }

  it('reports agents that are alive at the same time, once for as long as they are', () => {
    const both = [agent('a', 0, 150), agent('b', 100, 151), agent('c', 0, 150, { kafkaAddress: 'two:9092' })]
    const report = { cluster: 'vci_1', address: 'one:9092', agents: 'a, b' }
    assert.deepEqual(reportsOf(both, both), [report])
    assert.deepEqual(reportsOf(both, both.slice(1), both), [report, report])
  })

  it('does not report the predecessor of a restarted agent, nor one that is leaving', () => {
    assert.deepEqual(reportsOf([agent('a', 0, 90), agent('b', 100, 150)]), [])
    assert.deepEqual(reportsOf([agent('a', 0, 150, { isDraining: true }), agent('b', 100, 150)]), [])
    const noPort = { kafkaAddress: null }
    assert.deepEqual(reportsOf([agent('a', 0, 150, noPort), agent('b', 100, 150, noPort)]), [])
  })
})
