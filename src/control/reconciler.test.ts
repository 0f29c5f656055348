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

/** The number of instances for targets of 1, 2, … 5, by scope and number of agents in the group. */
const placements = {
  cluster: { 0: [0, 0, 0, 0, 0], 1: [1, 2, 3, 4, 5], 2: [2, 2, 4, 4, 6], 3: [3, 3, 3, 6, 6], 4: [4, 4, 4, 4, 8] },
  agent: { 0: [0, 0, 0, 0, 0], 1: [1, 2, 3, 4, 5], 2: [2, 4, 6, 8, 10], 3: [3, 6, 9, 12, 15], 4: [4, 8, 12, 16, 20] },
} as const

for (const scope of ['cluster', 'agent'] as const)
  test(`a target of scope ${scope} comes to what the original's table says, the same number on each agent of the group`, () => {
    for (const [count, row] of Object.entries(placements[scope])) {
      const agents = ['a', 'b', 'c', 'd'].slice(0, Number(count)).map(id => agent(id))
      for (const [index, instances] of row.entries()) {
        const { create, wanted } = plan({
          agents: [...agents, agent('other', { group: 'x' })],
          pipelines: [pipeline({ scope, count: index + 1 })],
        })
        assert.deepEqual([create.length, wanted], [instances, instances], `${count} agents, target ${index + 1}`)
        const perAgent = Map.groupBy(create, text => text.split(' on ')[1])
        assert.equal(perAgent.size, agents.length)
        assert.ok(perAgent.values().every(slots => slots.length === instances / agents.length))
        assert.equal(new Set(create).size, create.length)
      }
    }
  })

test('a cluster target is redistributed when an agent is lost, not during a brief silence', () => {
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

/** Whether an agent of the first group runs a pipeline of the second. */
const groups = [
  ['', '', true],
  ['', 'a', false],
  ['', 'b', false],
  ['a', '', false],
  ['a', 'a', true],
  ['a', 'b', false],
  ['b', '', false],
  ['b', 'a', false],
  ['b', 'b', true],
] as const

test('a pipeline runs only on agents of its group, and having none counts as a group', () => {
  for (const scope of ['exact', 'cluster', 'agent'] as const)
    for (const [ofAgent, ofPipeline, runs] of groups) {
      const agents = [agent('a', { group: ofAgent })]
      const { create } = plan({ agents, pipelines: [pipeline({ scope, count: 1 }, { group: ofPipeline })] })
      assert.equal(create.length, runs ? 1 : 0, `${scope}: an agent of ${ofAgent}, a pipeline of ${ofPipeline}`)
    }
})

test('an instance on a permitted agent is not moved', () => {
  const assignments = [assigned('cluster/0', 'b')]
  assert.deepEqual(plan({ agents: [agent('a'), agent('b')], pipelines: [pipeline(once)], assignments }), {
    ...nothing,
    wanted: 1,
  })
})

test('a pipeline that should not run is revoked, and removed once its agent has released it', () => {
  const agents = [agent('a', { held: new Set(['cluster/0@a']) })]
  assert.deepEqual(plan({ agents, assignments: [assigned('cluster/0', 'a')] }).update, ['cluster/0@a released'])
  const released = [assigned('cluster/0', 'a', { released: true })]
  assert.deepEqual(plan({ agents, assignments: released }).remove, [])
  assert.deepEqual(plan({ agents: [agent('a', { held: null })], assignments: released }).remove, [])
  assert.deepEqual(plan({ agents: [agent('a')], assignments: released }).remove, ['cluster/0@a'])
})

test('a new version is deployed in place, so that two versions never run side by side', () => {
  const assignments = [assigned('cluster/0', 'a')]
  const { create, update } = plan({
    agents: [agent('a')],
    pipelines: [pipeline(once, { configurationId: 'v1' })],
    assignments,
  })
  assert.deepEqual([create, update], [[], ['cluster/0@a v1']])
})

test('a slot of a silent agent goes to another only after its lease expires', () => {
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

test('lowering the target revokes the highest slots', () => {
  const assignments = [assigned('cluster/0', 'a'), assigned('cluster/1', 'b')]
  const agents = [agent('a'), agent('b')]
  assert.deepEqual(plan({ agents, pipelines: [pipeline(once)], assignments }).update, ['cluster/1@b released'])
})

test('a completed instance keeps its slot, even without its agent, until another version is deployed', () => {
  const assignments = [assigned('cluster/0', 'gone', { completed: true, leaseExpiresAt: now })]
  assert.deepEqual(plan({ agents: [agent('a')], pipelines: [pipeline(once)], assignments }), { ...nothing, wanted: 1 })
  const redeployed = plan({ agents: [agent('a')], pipelines: [pipeline(once, { configurationId: 'v1' })], assignments })
  assert.deepEqual(redeployed, { create: ['cluster/0 on a'], update: [], remove: ['cluster/0@gone'], wanted: 1 })
})

test('an agent keeps its own instances during a brief silence', () => {
  const agents = [agent('a', { isAvailable: false, held: null })]
  assert.deepEqual(plan({ agents, pipelines: [pipeline(onEachAgent)], assignments: [assigned('a/0', 'a')] }).update, [])
})
