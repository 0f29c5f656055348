import assert from 'node:assert/strict'
import test from 'node:test'
import type { Assignment } from './model.ts'
import {
  type CandidateAgent,
  type Concurrency,
  type ReconcileInput,
  reconcile,
  type WantedPipeline,
} from './reconciler.ts'

const now = 1_000_000
const once: Concurrency = { scope: 'exact', count: 1 }
const onEachAgent: Concurrency = { scope: 'agent', count: 1 }

function agent(id: string, more: Partial<CandidateAgent> = {}): CandidateAgent {
  return { id, isAvailable: true, isLost: false, isDraining: false, group: '', held: new Set(), ...more }
}

function pipeline(concurrency: Concurrency, more: Partial<WantedPipeline> = {}): WantedPipeline {
  return { id: 'p', configurationId: 'v0', group: '', concurrency, ...more }
}

function assigned(slot: string, agentId: string, more: Partial<Assignment> = {}): Assignment {
  const fixed = { instanceId: `${slot}@${agentId}`, clusterId: 'c', pipelineId: 'p', slot, agentId }
  return { ...fixed, configurationId: 'v0', leaseExpiresAt: now + 1000, released: false, completed: false, ...more }
}

function plan(input: Partial<ReconcileInput>) {
  const { create, update, remove, wantedCounts } = reconcile({
    pipelines: [],
    agents: [],
    assignments: [],
    now,
    ...input,
  })
  return {
    create: create.map(({ slot, agentId }) => `${slot} on ${agentId}`),
    update: update.map(
      ({ instanceId, configurationId, released }) => `${instanceId} ${released ? 'released' : configurationId}`,
    ),
    remove: remove.map(({ instanceId }) => instanceId),
    wanted: wantedCounts.get('p'),
  }
}

const nothing = { create: [], update: [], remove: [] }

test('an exact target is met exactly, spread over the agents', () => {
  const agents = [agent('a'), agent('b'), agent('c')]
  for (const count of [1, 2, 3, 4]) {
    const { create, wanted } = plan({ agents, pipelines: [pipeline({ scope: 'exact', count })] })
    assert.equal(create.length, count)
    assert.equal(wanted, count)
    assert.equal(new Set(create.map(text => text.split(' on ')[1])).size, Math.min(count, 3))
  }
})

test('a cluster target is rounded up to the same number on each agent of the group', () => {
  const three = [agent('a'), agent('b'), agent('c'), agent('other', { group: 'x' })]
  const table = [
    { agents: three, target: 1, instances: 3 },
    { agents: three, target: 2, instances: 3 },
    { agents: three, target: 3, instances: 3 },
    { agents: three, target: 4, instances: 6 },
    { agents: [agent('a')], target: 4, instances: 4 },
    { agents: [], target: 4, instances: 0 },
    { agents: [agent('other', { group: 'x' })], target: 4, instances: 0 },
  ]
  for (const { agents, target, instances } of table) {
    const { create, wanted } = plan({ agents, pipelines: [pipeline({ scope: 'cluster', count: target })] })
    assert.deepEqual([create.length, wanted], [instances, instances])
    const perAgent = Map.groupBy(create, text => text.split(' on ')[1])
    assert.ok(perAgent.values().every(slots => slots.length === instances / (agents.length === 4 ? 3 : 1)))
  }
})

test('a cluster target is divided anew when an agent is lost, not while it is silent for a moment', () => {
  const silent = [agent('a'), agent('b', { isAvailable: false, held: null })]
  const pipelines = [pipeline({ scope: 'cluster', count: 2 })]
  const assignments = [assigned('a/0', 'a'), assigned('b/0', 'b')]
  assert.deepEqual(plan({ agents: silent, pipelines, assignments }), { ...nothing, wanted: 1 })
  const lost = [agent('a'), agent('b', { isAvailable: false, isLost: true, held: null })]
  const expired = [assigned('a/0', 'a'), assigned('b/0', 'b', { leaseExpiresAt: now })]
  assert.deepEqual(plan({ agents: lost, pipelines, assignments: expired }), {
    create: ['a/1 on a'],
    update: [],
    remove: ['b/0@b'],
    wanted: 2,
  })
})

test('an agent target is met on each agent', () => {
  const { create, wanted } = plan({
    agents: [agent('a'), agent('b')],
    pipelines: [pipeline({ scope: 'agent', count: 2 })],
  })
  assert.deepEqual(create, ['a/0 on a', 'a/1 on a', 'b/0 on b', 'b/1 on b'])
  assert.equal(wanted, 4)
})

test('a pipeline runs only on agents of its own group, and none is a group too', () => {
  for (const agentGroup of ['', 'x', 'y']) {
    for (const group of ['', 'x', 'y']) {
      const { create } = plan({ agents: [agent('a', { group: agentGroup })], pipelines: [pipeline(once, { group })] })
      assert.equal(create.length, agentGroup === group ? 1 : 0, `${agentGroup}/${group}`)
    }
  }
})

test('what runs where it may stays there', () => {
  const assignments = [assigned('cluster/0', 'b')]
  assert.deepEqual(plan({ agents: [agent('a'), agent('b')], pipelines: [pipeline(once)], assignments }), {
    ...nothing,
    wanted: 1,
  })
})

test('a pipeline that is not to run is revoked, and gone when its agent has let go', () => {
  const agents = [agent('a', { held: new Set(['cluster/0@a']) })]
  assert.deepEqual(plan({ agents, assignments: [assigned('cluster/0', 'a')] }).update, ['cluster/0@a released'])
  const released = [assigned('cluster/0', 'a', { released: true })]
  assert.deepEqual(plan({ agents, assignments: released }).remove, [])
  assert.deepEqual(plan({ agents: [agent('a', { held: null })], assignments: released }).remove, [])
  assert.deepEqual(plan({ agents: [agent('a')], assignments: released }).remove, ['cluster/0@a'])
})

test('another version is deployed in place, so that the two never run side by side', () => {
  const assignments = [assigned('cluster/0', 'a')]
  const { create, update } = plan({
    agents: [agent('a')],
    pipelines: [pipeline(once, { configurationId: 'v1' })],
    assignments,
  })
  assert.deepEqual([create, update], [[], ['cluster/0@a v1']])
})

test('a slot of a silent agent is given to another only after its lease', () => {
  const agents = [agent('a', { isAvailable: false, held: null }), agent('b')]
  const pipelines = [pipeline(once)]
  assert.deepEqual(plan({ agents, pipelines, assignments: [assigned('cluster/0', 'a')] }), { ...nothing, wanted: 1 })
  const expired = [assigned('cluster/0', 'a', { leaseExpiresAt: now })]
  assert.deepEqual(plan({ agents, pipelines, assignments: expired }), {
    create: ['cluster/0 on b'],
    update: [],
    remove: ['cluster/0@a'],
    wanted: 1,
  })
})

test('a resumed pipeline waits until the agent has released the earlier instance', () => {
  const assignments = [assigned('cluster/0', 'a', { released: true })]
  const held = new Set(['cluster/0@a'])
  const pipelines = [pipeline(once)]
  assert.deepEqual(plan({ agents: [agent('a', { held }), agent('b')], pipelines, assignments }).create, [])
  assert.deepEqual(plan({ agents: [agent('a'), agent('b')], pipelines, assignments }).create, ['cluster/0 on a'])
})

test('a lower target revokes the highest slots', () => {
  const assignments = [assigned('cluster/0', 'a'), assigned('cluster/1', 'b')]
  const agents = [agent('a'), agent('b')]
  assert.deepEqual(plan({ agents, pipelines: [pipeline(once)], assignments }).update, ['cluster/1@b released'])
})

test('an instance at its end keeps its slot, even without its agent, until another version is deployed', () => {
  const assignments = [assigned('cluster/0', 'gone', { completed: true, leaseExpiresAt: now })]
  assert.deepEqual(plan({ agents: [agent('a')], pipelines: [pipeline(once)], assignments }), { ...nothing, wanted: 1 })
  const redeployed = plan({ agents: [agent('a')], pipelines: [pipeline(once, { configurationId: 'v1' })], assignments })
  assert.deepEqual(redeployed, { create: ['cluster/0 on a'], update: [], remove: ['cluster/0@gone'], wanted: 1 })
})

test('an agent that is silent for a moment keeps its own instances', () => {
  const agents = [agent('a', { isAvailable: false, held: null })]
  assert.deepEqual(plan({ agents, pipelines: [pipeline(onEachAgent)], assignments: [assigned('a/0', 'a')] }).update, [])
})
