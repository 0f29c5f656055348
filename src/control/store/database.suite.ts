import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Assignment, Pipeline } from '../model.ts'
import type { Database } from './database.ts'
import * as store from './store.ts'

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
  configurationId: 'pci_1',
  leaseExpiresAt: 1_700_000_000_000,
  released: false,
  completed: true,
}

/** What every opener has to do alike. `open` answers an empty database. */
export function databaseSuite(name: string, open: () => Promise<Database>): void {
  describe(name, () => {
    const withCluster = async () => {
      const database = await open()
      await database.transaction('durable', sql =>
        store.insertCluster(sql, { id: 'vci_1', name: 'vcn_one', createdAt: 1 }),
      )
      return database
    }

    test('what is written is read again as it was', async () => {
      const database = await withCluster()
      await database.transaction('durable', async sql => {
        await store.insertPipeline(sql, pipeline)
        await store.insertAssignment(sql, assignment)
      })
      await database.transaction('relaxed', async sql => {
        assert.deepEqual(await store.listPipelines(sql, 'vci_1'), [pipeline])
        assert.deepEqual(await store.listAssignments(sql, 'vci_1'), [assignment])
      })
      await database.close()
    })

    test('a transaction that throws leaves nothing behind', async () => {
      const database = await withCluster()
      const failing = database.transaction('durable', async sql => {
        await store.insertPipeline(sql, pipeline)
        throw new Error('no')
      })
      await assert.rejects(failing, /no/)
      assert.deepEqual(await database.transaction('relaxed', sql => store.listPipelines(sql, 'vci_1')), [])
      await database.close()
    })

    test('transactions do not see each other, however they wait inside', async () => {
      const database = await withCluster()
      await database.transaction('durable', sql => store.insertPipeline(sql, pipeline))
      const save = () =>
        database.transaction('durable', async sql => {
          const version = await store.nextVersion(sql, 'pi_1')
          await new Promise(resolve => setTimeout(resolve, 2))
          await store.insertConfiguration(sql, {
            id: `pci_${version}`,
            pipelineId: 'pi_1',
            version,
            yaml: '',
            createdAt: 1,
          })
          return version
        })
      assert.deepEqual(await Promise.all([save(), save(), save()]), [0, 1, 2])
      await database.close()
    })

    test('a name is there once in a cluster, and a slot once in a pipeline', async () => {
      const database = await withCluster()
      const insert = (id: string) =>
        database.transaction('durable', sql => store.insertPipeline(sql, { ...pipeline, id }))
      await insert('pi_1')
      await assert.rejects(insert('pi_2'))
      const assign = (instanceId: string) =>
        database.transaction('durable', sql => store.insertAssignment(sql, { ...assignment, instanceId }))
      await assign('ins_1')
      await assert.rejects(assign('ins_2'))
      await database.close()
    })

    test('versions go with their pipeline', async () => {
      const database = await withCluster()
      await database.transaction('durable', async sql => {
        await store.insertPipeline(sql, pipeline)
        await store.insertConfiguration(sql, {
          id: 'pci_1',
          pipelineId: 'pi_1',
          version: 0,
          yaml: 'ä\u0000',
          createdAt: 1,
        })
        assert.equal((await store.findConfiguration(sql, 'pci_1'))?.yaml, 'ä\u0000')
        await store.deletePipeline(sql, 'pi_1')
        assert.equal(await store.findConfiguration(sql, 'pci_1'), undefined)
      })
      await database.close()
    })
  })
}
