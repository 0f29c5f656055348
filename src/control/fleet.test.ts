import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Clock, nullLog, systemClock, systemRandom } from '../base/index.ts'
import { type Database, migrate, openSqliteHere } from '../database/index.ts'
import { Changes } from './changes.ts'
import { Fleet } from './fleet.ts'
import type { AgentReport, InstanceReport } from './agent-link.ts'
import { defaultSettings } from './configuration/settings.ts'
import { PeerPlanes } from './peer-planes.ts'
import { migrations } from './store/schema.ts'
import * as store from './store/store.ts'
import { agentHello } from './agent-hello.suite.ts'

const clusterId = 'vci_1'
const sqlite = openSqliteHere({ path: ':memory:' })
after(() => sqlite.close())
await migrate(sqlite, 'control plane', migrations)

let failsNext = false
let transactions = 0
/** A real database whose next commit can fail, as on a full disk, after all its statements have been executed. */
const database: Database = {
  dialect: sqlite.dialect,
  transaction: (options, work) =>
    sqlite.transaction(options, async sql => {
      transactions++
      const result = await work(sql)
      if (!failsNext || options.kind === 'read') return result
      failsNext = false
      throw new Error('database or disk is full')
    }),
  onLost: listener => sqlite.onLost(listener),
  close: () => sqlite.close(),
}

const hello = { ...agentHello, identity: 'local' }

function newFleet(log = nullLog, clock: Clock = systemClock): Fleet {
  const world = { clock, random: systemRandom, log }
  const peers = new PeerPlanes({ database, sealingKey: new Uint8Array(32), ...world })
  return new Fleet({ clusterId, peerSecret: 'secret', database, changes: new Changes(), peers, ...world })
}

/** An instance of the pipeline `pi_1` as its agent reports it. */
const running = (instanceId: string): InstanceReport => ({
  instanceId,
  pipelineId: 'pi_1',
  configurationId: 'pci_1',
  version: 0,
  state: 'running',
  since: 1,
  restarts: 0,
  nextStartAt: null,
  error: null,
  problem: null,
  counters: { input_received: 5, output_sent: 4, input_errors: 0, output_errors: 0, processor_errors: 0 },
  memoryBytes: 1,
  cpu: 0,
})

const report = (revision: number, instances: readonly InstanceReport[]): AgentReport => ({
  revision,
  instances,
  ended: [],
  cpu: 0,
  memoryBytes: 1,
  connections: 0,
  traffic: { producedBytes: 0, producedRecords: 0, fetchedBytes: 0 },
  logs: [],
})

test('an agent receives no order that was not stored', async () => {
  const fleet = newFleet()
  await database.transaction({ kind: 'write' }, sql =>
    store.insertCluster(sql, { id: clusterId, name: 'vcn_one', createdAt: 1 }),
  )
  const { agentId } = await fleet.register(hello)
  const { revision } = await fleet.poll(agentId, 0, new AbortController().signal)
  const polled = fleet.poll(agentId, revision, new AbortController().signal)
  await database.transaction({ kind: 'write' }, async sql => {
    await store.insertPipeline(sql, {
      id: 'pi_1',
      clusterId,
      name: 'one',
      type: 'bento',
      state: 'running',
      deployedConfigurationId: 'pci_1',
      createdAt: 1,
    })
    const yaml = 'input: {}\noutput: {}\n'
    const configuration = { id: 'pci_1', pipelineId: 'pi_1', version: 0, yaml, createdAt: 1 }
    await store.insertConfiguration(sql, { ...configuration, settings: defaultSettings })
  })

  failsNext = true
  await assert.rejects(fleet.reconcile(), /disk is full/)
  assert.equal(fleet.placed('pi_1'), undefined)
  await fleet.reconcile()

  const orders = await polled
  const assigned = await database.transaction({ kind: 'write' }, sql => store.listAssignments(sql, clusterId))
  assert.equal(assigned.length, 1)
  assert.deepEqual(
    orders.instances.map(({ instanceId }) => instanceId),
    assigned.map(({ instanceId }) => instanceId),
  )
  assert.equal(orders.revision, revision + 1)
  assert.equal(fleet.placed('pi_1')?.wanted, 1)
  fleet.close()
})

test('concurrently requested reconciliations give an agent its orders once', async () => {
  const fleet = newFleet()
  const { agentId } = await fleet.register(hello)
  const before = await fleet.poll(agentId, 0, new AbortController().signal)
  await Promise.all([fleet.reconcile(), fleet.reconcile(), fleet.reconcile()])
  const after = await fleet.poll(agentId, 0, new AbortController().signal)
  assert.deepEqual(after, before)
  assert.equal(after.instances.length, 1)
  fleet.close()
})

test('a second control plane sees the orders of the first, the slots agents hold and their reports', async () => {
  const first = newFleet()
  const second = newFleet()
  const { agentId } = await first.register(hello)
  const { signal } = new AbortController()
  const orders = await first.poll(agentId, 0, signal)
  assert.equal(orders.instances.length, 1)
  assert.deepEqual(await second.poll(agentId, 0, signal), orders)
  const instance = running(orders.instances[0]!.instanceId)
  await first.report(agentId, report(orders.revision, [instance]))
  await second.tick()
  assert.equal(second.board.counters('pi_1').input_received, 5)
  assert.equal(second.placed('pi_1')?.wanted, 1)

  await database.transaction({ kind: 'write' }, sql => store.updatePipeline(sql, 'pi_1', { state: 'paused' }))
  await second.reconcile()
  const revoked = await first.poll(agentId, orders.revision, signal)
  assert.deepEqual(revoked.instances, [])
  const assignments = () => database.transaction({ kind: 'read' }, sql => store.listAssignments(sql, clusterId))
  assert.deepEqual(
    (await assignments()).map(({ released }) => released),
    [true],
  )
  await first.report(agentId, report(revoked.revision, []))
  await second.reconcile()
  assert.deepEqual(await assignments(), [])
  first.close()
  second.close()
})

test('instances of a dead agent are not shown, although its last report is still stored', async () => {
  const first = newFleet()
  const second = newFleet()
  const [dead, living] = await Promise.all(
    ['dies', 'lives'].map(identity => first.register({ ...hello, identity, name: identity })),
  )
  for (const { agentId } of [dead!, living!]) await first.report(agentId, report(0, [running(`on ${agentId}`)]))
  await database.transaction({ kind: 'write' }, sql =>
    sql.run('UPDATE agents SET last_seen_at = last_seen_at - 60000 WHERE id = ?', dead!.agentId),
  )
  for (const fleet of [first, second]) {
    await fleet.tick()
    const shown = fleet.board.instances('pi_1').map(({ agentId }) => agentId)
    assert.deepEqual([shown.includes(dead!.agentId), shown.includes(living!.agentId)], [false, true])
  }
  first.close()
  second.close()
})

test('instances of an agent that has left are not shown by any control plane', async () => {
  const first = newFleet()
  const second = newFleet()
  const { agentId } = await first.register({ ...hello, identity: null })
  await first.report(agentId, report(0, [running('ins_left')]))
  await second.tick()
  const isShown = (fleet: Fleet) => fleet.board.instances('pi_1').some(({ agentId: of }) => of === agentId)
  assert.equal(isShown(second), true)
  await first.leave(agentId)
  await second.tick()
  assert.deepEqual([isShown(first), isShown(second)], [false, false])
  first.close()
  second.close()
})

test('when several agents join together, the first is placed immediately and the rest in one batch after a pause', async t => {
  let now = 0
  const rest = Promise.withResolvers<void>()
  // With the system clock the pause could end midway on a busy machine.
  const clock: Clock = { now: () => now, monotonic: () => now, sleep: () => rest.promise }
  const fleet = newFleet(nullLog, clock)
  t.after(() => fleet.close())
  const join = async (identity: string) => {
    const before = transactions
    await fleet.register({ ...hello, identity, pipelineGroup: 'a burst' })
    return transactions - before
  }
  // The agent itself, and a check whether there is work.
  assert.equal(await join('first of many'), 2)
  for (const identity of ['second', 'third', 'fourth']) assert.equal(await join(`${identity} of many`), 1)
  const before = transactions
  now = 1000
  rest.resolve()
  await new Promise(setImmediate)
  assert.equal(transactions - before, 1)
  now = 5000
  assert.equal(await join('one much later'), 2)
})

test('an agent receives the orders of another control plane with the next tick of its own', async t => {
  const [first, second] = [newFleet(), newFleet()]
  t.after(() => [first, second].forEach(fleet => fleet.close()))
  // Without a time limit, a poll waits until there is news.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { agentId } = await first.register({ ...hello, identity: 'heard of elsewhere', pipelineGroup: 'elsewhere' })
  const { signal } = new AbortController()
  const { revision } = await first.poll(agentId, 0, signal)
  const polled = first.poll(agentId, revision, signal)
  await database.transaction({ kind: 'write' }, async sql => {
    const pipeline = {
      id: 'pi_heard',
      clusterId,
      name: 'heard',
      type: 'bento',
      state: 'running',
      createdAt: 1,
    } as const
    await store.insertPipeline(sql, { ...pipeline, deployedConfigurationId: 'pci_heard' })
    const configuration = { id: 'pci_heard', pipelineId: 'pi_heard', version: 0, yaml: '', createdAt: 1 }
    const settings = { ...defaultSettings, pipelineGroup: 'elsewhere' }
    await store.insertConfiguration(sql, { ...configuration, settings })
  })
  await second.reconcile()
  await first.tick()
  assert.equal((await polled).instances.length, 1)
})

test('control planes that reconcile concurrently give a slot to one agent', async () => {
  const fleets = [newFleet(), newFleet()]
  const pipelineGroup = 'wanted by two'
  const agents = await Promise.all(
    fleets.map((fleet, index) => fleet.register({ ...hello, identity: `racer ${index}`, pipelineGroup })),
  )
  await database.transaction({ kind: 'write' }, async sql => {
    const pipeline = {
      id: 'pi_raced',
      clusterId,
      name: 'raced',
      type: 'bento',
      state: 'running',
      createdAt: 1,
    } as const
    await store.insertPipeline(sql, { ...pipeline, deployedConfigurationId: 'pci_raced' })
    const configuration = { id: 'pci_raced', pipelineId: 'pi_raced', version: 0, yaml: '', createdAt: 1 }
    const settings = { ...defaultSettings, pipelineGroup, concurrency: { scope: 'exact', count: 1 } } as const
    await store.insertConfiguration(sql, { ...configuration, settings })
  })
  await Promise.all(fleets.map(fleet => fleet.reconcile()))
  const polled = await Promise.all(
    fleets.map((fleet, index) => fleet.poll(agents[index]!.agentId, 0, new AbortController().signal)),
  )
  const given = polled.flatMap(({ instances }) => instances).filter(({ pipelineId }) => pipelineId === 'pi_raced')
  assert.equal(given.length, 1)
  for (const [index, fleet] of fleets.entries()) {
    await fleet.leave(agents[index]!.agentId)
    fleet.close()
  }
})

test('reports once that no agent does the background work', async () => {
  const warnings: string[] = []
  const fleet = newFleet({ ...nullLog, warn: message => void warnings.push(message) })
  const { agentId } = await fleet.register({ ...hello, identity: 'two' })
  await fleet.reconcile()
  assert.deepEqual(warnings, ['no agent has the role jobs: nothing is merged, compacted or deleted'])
  const worker = await fleet.register({ ...hello, identity: 'three', roles: ['jobs'] })
  await fleet.reconcile()
  await fleet.leave(worker.agentId)
  await fleet.leave(agentId)
  assert.equal(warnings.length, 2)
  fleet.close()
})

test('a slot that moves between agents has a higher epoch with each move; a slot bound to its agent has none', async () => {
  const fleet = newFleet()
  const { signal } = new AbortController()
  const pipelineGroup = 'taking turns'
  const exact = { ...defaultSettings, pipelineGroup, concurrency: { scope: 'exact', count: 1 } } as const
  await database.transaction({ kind: 'write' }, async sql => {
    for (const [id, settings] of [
      ['pi_exact', exact],
      ['pi_own', { ...defaultSettings, pipelineGroup }],
    ] as const) {
      const pipeline = { id, clusterId, name: id, type: 'bento', state: 'running', createdAt: 1 } as const
      await store.insertPipeline(sql, { ...pipeline, deployedConfigurationId: `pci_${id}` })
      const configuration = { id: `pci_${id}`, pipelineId: id, version: 0, yaml: '', createdAt: 1 }
      await store.insertConfiguration(sql, { ...configuration, settings })
    }
  })
  const fencesOf = async (identity: string) => {
    const { agentId } = await fleet.register({ ...hello, identity, pipelineGroup })
    await fleet.reconcile()
    const { instances } = await fleet.poll(agentId, 0, signal)
    await fleet.leave(agentId)
    return instances.toSorted((one, two) => one.pipelineId.localeCompare(two.pipelineId)).map(({ fence }) => fence)
  }
  assert.deepEqual(await fencesOf('four'), [{ lease: 'pipeline/pi_exact/cluster/0', epoch: 1 }, null])
  assert.deepEqual(await fencesOf('five'), [{ lease: 'pipeline/pi_exact/cluster/0', epoch: 2 }, null])
  fleet.close()
})
