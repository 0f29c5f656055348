import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { Changes } from './changes.ts'
import { Fleet } from './fleet.ts'
import type { AgentHello } from './model.ts'
import { Relay } from './relay.ts'
import { StatusBoard } from './status-board.ts'
import type { Database } from './store/database.ts'
import { openSqlite } from './store/sqlite.ts'
import * as store from './store/store.ts'

const clusterId = 'vci_1'
const sqlite = openSqlite(':memory:')
after(() => sqlite.close())

/** The next commit fails, as on a full disk, after all of its statements were carried out. */
let failsNext = false
const database: Database = {
  transaction: (durability, work) =>
    sqlite.transaction(durability, async sql => {
      const result = await work(sql)
      if (!failsNext) return result
      failsNext = false
      throw new Error('database or disk is full')
    }),
  close: () => sqlite.close(),
}

const hello: AgentHello = {
  identity: 'local',
  name: 'one',
  version: '0.0.0',
  roles: ['pipelines'],
  pipelineGroup: '',
  availabilityZone: '',
  kafkaAddress: null,
  httpAddress: null,
  startedAt: 0,
}

function newFleet(): Fleet {
  const changes = new Changes()
  const relay: Relay = new Relay(systemRandom, agentId => fleet.wake(agentId))
  const fleet = new Fleet({
    clusterId,
    database,
    board: new StatusBoard(systemClock, changes),
    changes,
    relay,
    clock: systemClock,
    random: systemRandom,
    log: nullLog,
  })
  return fleet
}

test('an agent hears of no order that was not kept', async () => {
  const fleet = newFleet()
  await database.transaction('relaxed', sql =>
    store.insertCluster(sql, { id: clusterId, name: 'vcn_one', createdAt: 1 }),
  )
  const { agentId } = await fleet.register(hello)
  const { revision } = await fleet.poll(agentId, 0, new AbortController().signal)
  const polled = fleet.poll(agentId, revision, new AbortController().signal)
  await database.transaction('relaxed', async sql => {
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
    await store.insertConfiguration(sql, { id: 'pci_1', pipelineId: 'pi_1', version: 0, yaml, createdAt: 1 })
  })

  failsNext = true
  await assert.rejects(fleet.reconcile(), /disk is full/)
  assert.equal(fleet.placed('pi_1'), undefined)
  await fleet.reconcile()

  const orders = await polled
  const assigned = await database.transaction('relaxed', sql => store.listAssignments(sql, clusterId))
  assert.equal(assigned.length, 1)
  assert.deepEqual(
    orders.instances.map(({ instanceId }) => instanceId),
    assigned.map(({ instanceId }) => instanceId),
  )
  assert.equal(orders.revision, revision + 1)
  assert.equal(fleet.placed('pi_1')?.wanted, 1)
  fleet.close()
})

test('reconciliations that are asked for together give an agent its orders once', async () => {
  const fleet = newFleet()
  const { agentId } = await fleet.register(hello)
  const before = await fleet.poll(agentId, 0, new AbortController().signal)
  await Promise.all([fleet.reconcile(), fleet.reconcile(), fleet.reconcile()])
  const after = await fleet.poll(agentId, 0, new AbortController().signal)
  assert.deepEqual(after, before)
  assert.equal(after.instances.length, 1)
  fleet.close()
})
