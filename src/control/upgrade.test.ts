import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { openSqlite } from '../database/index.ts'
import { readSettings } from './configuration/settings.ts'
import { ControlPlane } from './control-plane.ts'

/** The tables of the version without migrations. */
const firstVersion = `
  CREATE TABLE clusters (id TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (id), UNIQUE (name));
  CREATE TABLE api_keys (id TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, access_grants TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (id), UNIQUE (name), UNIQUE (secret));
  CREATE TABLE sessions (secret_hash TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (secret_hash));
  CREATE TABLE pipelines (id TEXT NOT NULL, cluster_id TEXT NOT NULL REFERENCES clusters ON DELETE CASCADE, name TEXT NOT NULL, type TEXT NOT NULL, state TEXT NOT NULL, deployed_configuration_id TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (id), UNIQUE (cluster_id, name));
  CREATE TABLE configurations (id TEXT NOT NULL, pipeline_id TEXT NOT NULL REFERENCES pipelines ON DELETE CASCADE, version INTEGER NOT NULL, yaml TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (id), UNIQUE (pipeline_id, version));
  CREATE TABLE agents (id TEXT NOT NULL, cluster_id TEXT NOT NULL REFERENCES clusters ON DELETE CASCADE, hello TEXT NOT NULL, registered_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, PRIMARY KEY (id));
  CREATE TABLE assignments (instance_id TEXT NOT NULL, cluster_id TEXT NOT NULL REFERENCES clusters ON DELETE CASCADE, pipeline_id TEXT NOT NULL, slot TEXT NOT NULL, agent_id TEXT NOT NULL, configuration_id TEXT NOT NULL, lease_expires_at INTEGER NOT NULL, released INTEGER NOT NULL, completed INTEGER NOT NULL, PRIMARY KEY (instance_id), UNIQUE (pipeline_id, slot));
  INSERT INTO clusters VALUES ('vci_1', 'vcn_default', 1);
  INSERT INTO api_keys VALUES ('aki_1', 'akn_default_application', 'aks_clear', '[{"principal_kind":"app","resource_kind":"*","resource_id":"*"}]', 1);
  INSERT INTO pipelines VALUES ('pi_1', 'vci_1', 'one', 'bento', 'running', 'pci_1', 1);
  INSERT INTO configurations VALUES ('pci_1', 'pi_1', 0, 'warpstream:\n  pipeline_group: blue\n', 1);`

test('a database of the first version is migrated, and its secrets are sealed', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-upgrade-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'control.sqlite')
  const first = new DatabaseSync(path)
  first.exec(`PRAGMA journal_mode = WAL; ${firstVersion}`)
  first.close()

  const open = async (sealingKey: Uint8Array) => {
    const database = await openSqlite({ path })
    try {
      const plane = await ControlPlane.open({
        database,
        sealingKey,
        lint: async yaml => ({ findings: [], settings: readSettings(yaml).settings }),
        jsonSchema: async () => ({}),
        version: '0.0.0',
        isEphemeral: false,
        clock: systemClock,
        random: systemRandom,
        log: nullLog,
      })
      const close = async () => {
        await plane.close()
        await database.close()
      }
      return { plane, close }
    } catch (error) {
      await database.close()
      throw error
    }
  }
  const key = systemRandom.bytes(32)
  for (let start = 0; start < 2; start++) {
    const { plane, close } = await open(key)
    const { cluster, applicationKey } = await plane.ensureDefaultCluster()
    assert.deepEqual([cluster.id, applicationKey.secret], ['vci_1', 'aks_clear'])
    assert.equal((await plane.keys.authenticate('aks_clear'))?.keyId, 'aki_1')
    const [summary] = await plane.pipelines.summaries('vci_1')
    assert.deepEqual([summary?.deployedVersion, summary?.pipelineGroup], [0, 'blue'])
    await close()
  }
  const file = new DatabaseSync(path)
  const [stored] = file.prepare("SELECT * FROM api_keys WHERE id = 'aki_1'").all()
  file.close()
  assert.doesNotMatch(JSON.stringify(stored), /aks_clear/)
  assert.equal(readFileSync(path).indexOf('aks_clear'), -1, 'no page of the file holds it any more')
  await assert.rejects(open(systemRandom.bytes(32)), /sealed with another key/)
})
