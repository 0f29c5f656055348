import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { nullLog, systemClock, systemRandom } from '../base/index.ts'
import { openPostgres } from '../database/index.ts'
import { defaultSettings } from './configuration/settings.ts'
import { ControlPlane } from './control-plane.ts'

const skip = hasPostgres() ? false : 'PostgreSQL is not installed'

test('control planes that start concurrently on an empty database agree on its cluster and keys', {
  skip,
}, async () => {
  const server = await startPostgresServer()
  const sealingKey = systemRandom.bytes(32)
  const start = async () => {
    const database = await openPostgres({ url: server.url, schema: 'penstock' })
    const plane = await ControlPlane.open({
      database,
      sealingKey,
      lint: async () => ({ settings: defaultSettings, findings: [] }),
      jsonSchema: async () => ({}),
      version: '0.0.0',
      isEphemeral: true,
      clock: systemClock,
      random: systemRandom,
      log: nullLog,
    })
    const { cluster, applicationKey, agentKey } = await plane.ensureDefaultCluster()
    return { database, plane, found: [cluster.id, applicationKey.secret, agentKey.secret] }
  }
  const started = await Promise.all(Array.from({ length: 6 }, start))
  for (const { found } of started) assert.deepEqual(found, started[0]!.found)
  for (const { plane, database } of started) {
    await plane.close()
    await database.close()
  }
  await server.close()
})
