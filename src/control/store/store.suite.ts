import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Database, migrate } from '../../database/index.ts'
import { defaultSettings } from '../configuration/settings.ts'
import type { Assignment, Configuration, Pipeline, RegisteredAgent } from '../model.ts'
import { migrations } from './schema.ts'
import * as store from './store.ts'
import { agentHello } from '../agent-hello.suite.ts'

const cluster = { id: 'vci_1', name: 'vcn_one', createdAt: 1 }

const pipeline: Pipeline = {
  id: 'pi_1',
  clusterId: 'vci_1',
  name: 'one',
  type: 'bento',
  state: 'paused',
  deployedConfigurationId: '',
  createdAt: 1_700_000_000_000,
}

const assignment: Assignment = {
  instanceId: 'ins_1',
  clusterId: 'vci_1',
  pipelineId: 'pi_1',
  slot: 'cluster/0',
  agentId: 'agt_1',
  configurationId: 'pci_0',
  leaseExpiresAt: 1_700_000_000_000,
  released: false,
  completed: true,
}

const agent: RegisteredAgent = {
  id: 'agt_1',
  clusterId: 'vci_1',
  hello: { ...agentHello, identity: 'local', startedAt: 1 },
  registeredAt: 1,
  lastSeenAt: 2,
  ordersRevision: 3,
  reported: null,
}

function configuration(version: number, yaml = `# ${version}\n`): Configuration {
  return { id: `pci_${version}`, pipelineId: 'pi_1', version, yaml, createdAt: 1 }
}

/** The behaviour of the control store on every database. `open` returns an empty one. */
export function storeSuite(name: string, open: () => Promise<Database>): void {
  describe(name, () => {
    const withPipeline = async () => {
      const database = await open()
      await migrate(database, 'control plane', migrations)
      await database.transaction({ kind: 'write' }, async sql => {
        await store.insertCluster(sql, cluster)
        await store.insertPipeline(sql, pipeline)
      })
      return database
    }

    test('reads back what was written', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const reported = { revision: 3, held: ['ins_1'] }
      await database.transaction({ kind: 'write' }, async sql => {
        await store.insertAssignments(sql, [assignment])
        await store.insertAgent(sql, agent)
        assert.equal(await store.noteReported(sql, 'agt_1', reported), true)
        assert.equal(await store.noteReported(sql, 'agt_2', reported), false)
      })
      await database.transaction({ kind: 'read' }, async sql => {
        assert.deepEqual(await store.findCluster(sql, 'vci_1'), cluster)
        assert.deepEqual(await store.listPipelines(sql, 'vci_1'), [pipeline])
        assert.deepEqual(await store.listAssignments(sql, 'vci_1'), [assignment])
        assert.deepEqual(await store.listAgents(sql, 'vci_1'), [{ ...agent, reported }])
      })
    })

    test('updating a pipeline writes only the named fields', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const changed = { ...pipeline, state: 'running', name: 'two' }
      await database.transaction({ kind: 'write' }, async sql => {
        await store.updatePipeline(sql, 'pi_1', { state: 'running' })
        await store.updatePipeline(sql, 'pi_1', { name: 'two' })
        assert.deepEqual(await store.findPipeline(sql, 'vci_1', 'pi_1', 'lock'), changed)
        await store.updatePipeline(sql, 'pi_1', { deployedConfigurationId: 'pci_0' })
      })
      const found = await database.transaction({ kind: 'read' }, sql => store.findPipeline(sql, 'vci_1', 'pi_1'))
      assert.deepEqual(found, { ...changed, deployedConfigurationId: 'pci_0' })
    })

    test('summaries include the deployed and the latest version without reading configurations', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const summarize = () => database.transaction({ kind: 'read' }, sql => store.listSummaries(sql, 'vci_1'))
      assert.deepEqual(await summarize(), [
        { ...pipeline, deployedVersion: null, latestVersion: null, pipelineGroup: '' },
      ])
      await database.transaction({ kind: 'write' }, async sql => {
        const settings = { ...defaultSettings, pipelineGroup: 'blue' }
        await store.insertConfiguration(sql, { ...configuration(0), settings })
        await store.insertConfiguration(sql, { ...configuration(1), settings: defaultSettings })
        await store.updatePipeline(sql, 'pi_1', { deployedConfigurationId: 'pci_0', state: 'running' })
      })
      const [summary] = await summarize()
      assert.deepEqual([summary?.deployedVersion, summary?.latestVersion, summary?.pipelineGroup], [0, 1, 'blue'])
      const running = await database.transaction({ kind: 'read' }, sql => store.listRunning(sql, 'vci_1'))
      const settings = { ...defaultSettings, pipelineGroup: 'blue' }
      assert.deepEqual(running, [{ id: 'pi_1', name: 'one', configurationId: 'pci_0', settings }])
    })

    test('sets of assignments are changed together', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const all = [0, 1, 2].map(n => ({ ...assignment, instanceId: `ins_${n}`, slot: `${n}`, completed: false }))
      const left = await database.transaction({ kind: 'write' }, async sql => {
        await store.insertAssignments(sql, all)
        await store.updateAssignments(sql, [{ ...all[0]!, released: true, configurationId: 'pci_1' }])
        await store.completeAssignments(sql, [
          { instanceId: 'ins_0', configurationId: 'pci_0' },
          { instanceId: 'ins_1', configurationId: 'pci_0' },
        ])
        await store.deleteAssignments(sql, ['ins_2'])
        return store.listAssignments(sql, 'vci_1')
      })
      assert.deepEqual(left, [
        { ...all[0], released: true, configurationId: 'pci_1' },
        { ...all[1], completed: true },
      ])
    })

    test('orders are the assignments of an agent that are not revoked', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const orders = await database.transaction({ kind: 'write' }, async sql => {
        await store.insertConfiguration(sql, { ...configuration(0), settings: defaultSettings })
        await store.insertAssignments(sql, [
          assignment,
          { ...assignment, instanceId: 'ins_2', slot: 'cluster/1', released: true },
          { ...assignment, instanceId: 'ins_3', slot: 'cluster/2', agentId: 'agt_2' },
        ])
        const slots = [assignment, { ...assignment, slot: 'cluster/2' }]
        await store.advanceSlots(sql, slots)
        await store.advanceSlots(sql, slots.slice(1))
        return [await store.listOrders(sql, 'agt_1'), await store.listOrders(sql, 'agt_2')]
      })
      const pipelineOfOrder = { pipelineId: 'pi_1', pipelineName: 'one', configurationId: 'pci_0', version: 0 }
      const order = { ...pipelineOfOrder, yaml: '# 0\n', completed: true }
      assert.deepEqual(orders, [
        [{ ...order, instanceId: 'ins_1', fence: { lease: `pipeline/pi_1/${assignment.slot}`, epoch: 1 } }],
        [{ ...order, instanceId: 'ins_3', fence: { lease: 'pipeline/pi_1/cluster/2', epoch: 2 } }],
      ])
    })

    test('versions are numbered from 0, even when saved concurrently', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const save = () =>
        database.transaction({ kind: 'write' }, async sql => {
          await store.findPipeline(sql, 'vci_1', 'pi_1', 'lock')
          const version = await store.nextVersion(sql, 'pi_1')
          await store.insertConfiguration(sql, { ...configuration(version), settings: defaultSettings })
          return version
        })
      const versions = await Promise.all([save(), save(), save()])
      assert.deepEqual(new Set(versions), new Set([0, 1, 2]))
    })

    test('names are unique in a cluster, and slots in a pipeline', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      const write = (work: Parameters<typeof database.transaction<void>>[1]) =>
        assert.rejects(database.transaction({ kind: 'write' }, work), { code: 'duplicate' })
      await write(sql => store.insertPipeline(sql, { ...pipeline, id: 'pi_2' }))
      await write(sql => store.insertAssignments(sql, [assignment, { ...assignment, instanceId: 'ins_2' }]))
    })

    test('versions are deleted with their pipeline', async t => {
      const database = await withPipeline()
      t.after(() => database.close())
      await database.transaction({ kind: 'write' }, async sql => {
        await store.insertConfiguration(sql, { ...configuration(0, 'ä: "\u2028"\n'), settings: defaultSettings })
        assert.equal((await store.findConfiguration(sql, 'pci_0'))?.yaml, 'ä: "\u2028"\n')
        await store.deletePipeline(sql, 'pi_1')
        assert.equal(await store.findConfiguration(sql, 'pci_0'), undefined)
      })
    })
  })
}
