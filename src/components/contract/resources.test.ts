// Runs the contract suite on every cache and rate limit that needs no external server.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { cacheContract, rateLimitContract } from '../../engine/contract/cache.suite.ts'
import { rig } from './rig.suite.ts'

cacheContract('memory', rig, { open: () => ({ config: '{ memory: {} }' }) })
cacheContract('lru', rig, { open: () => ({ config: '{ lru: { cap: 100 } }' }) })
cacheContract('ristretto', rig, { open: () => ({ config: '{ ristretto: {} }' }) })
cacheContract('ttlru', rig, { open: () => ({ config: '{ ttlru: { cap: 100 } }' }) })
cacheContract('noop', rig, { forgets: 'it keeps nothing', open: () => ({ config: '{ noop: {} }' }) })
cacheContract('multilevel', rig, {
  open: () => ({
    config: '{ multilevel: [ fast, slow ] }',
    others: ', { label: fast, memory: {} }, { label: slow, memory: {} }',
  }),
})
cacheContract('file', rig, {
  open() {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
    return { config: `{ file: { directory: '${folder}' } }`, close: () => rmSync(folder, { recursive: true }) }
  },
})
cacheContract('sql', rig, {
  failsToAdd: 'the database refuses the key, and the original hands that on',
  open() {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-contract-'))
    const file = join(folder, 'cache.db')
    const database = new DatabaseSync(file)
    database.exec('CREATE TABLE items (k TEXT PRIMARY KEY, v BLOB)')
    database.close()
    const config = `{ sql: { driver: sqlite, dsn: '${file}', table: items, key_column: k, value_column: v, set_suffix: 'ON CONFLICT (k) DO UPDATE SET v = excluded.v' } }`
    return { config, close: () => rmSync(folder, { recursive: true }) }
  },
})

rateLimitContract('local', rig, { open: count => ({ config: `{ local: { count: ${count}, interval: 1h } }` }) })
