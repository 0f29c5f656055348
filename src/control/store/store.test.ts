import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, test } from 'node:test'
import { hasPostgres, startPostgresServer } from '../../../test/servers/postgres-server.ts'
import { migrate, openPostgres, openSqlite, openSqliteHere } from '../../database/index.ts'
import { migrations, tables } from './schema.ts'
import { storeSuite } from './store.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-control-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0
const freshPath = () => join(folder, `${files++}.sqlite`)

storeSuite('SQLite in memory', async () => openSqliteHere({ path: ':memory:' }))
storeSuite('SQLite in a file', () => openSqlite({ path: freshPath() }))

describe('PostgreSQL', { skip: hasPostgres() ? false : 'PostgreSQL is not installed' }, async () => {
  const server = await startPostgresServer()
  after(() => server.close())
  storeSuite('PostgreSQL', () => openPostgres({ url: server.url, schema: `suite_${files++}`, connections: 3 }))
})

test('the migrations produce the declared tables', async () => {
  const path = freshPath()
  const database = await openSqlite({ path })
  await migrate(database, 'control plane', migrations)
  await database.close()
  const file = new DatabaseSync(path)
  for (const [name, { columns }] of Object.entries(tables)) {
    const found = file.prepare(`SELECT name FROM pragma_table_info('${name}')`).all()
    assert.deepEqual(
      found.map(column => column['name']),
      Object.keys(columns),
      name,
    )
  }
  file.close()
})
