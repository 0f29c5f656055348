import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { databaseSuite } from './database.suite.ts'
import { openSqlite, openSqliteHere } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'penstock-database-'))
after(() => rm(folder, { recursive: true }))
let files = 0
const freshPath = () => join(folder, `${files++}.db`)

databaseSuite('memory', async () => ({ database: openSqliteHere({ path: ':memory:' }) }))
databaseSuite('a file, with its thread', async () => {
  const path = freshPath()
  return { database: await openSqlite({ path }), again: () => openSqlite({ path }) }
})

describe('an SQLite file', () => {
  it('that cannot be opened is named', async () => {
    const path = join(folder, 'no', 'such', 'folder.db')
    await assert.rejects(openSqlite({ path }), /cannot open the database .*no\/such\/folder.db/)
    assert.throws(() => openSqliteHere({ path }), /cannot open the database/)
  })

  it('is lost when its thread ends: listeners hear of it before those who wait', async () => {
    let thread: Worker | undefined
    process.once('worker', worker => (thread = worker))
    const database = await openSqlite({ path: freshPath() })
    assert.equal(thread?.threadName, 'database')
    const heard: string[] = []
    database.onLost(() => heard.push('lost'))
    const exited = thread.terminate()
    const waiting = database
      .transaction({ kind: 'read' }, sql => sql.all('SELECT 1'))
      .catch((error: { code: string }) => heard.push(error.code))
    await Promise.all([exited, waiting])
    assert.deepEqual(heard, ['lost', 'unknown_outcome'])
    await assert.rejects(
      database.transaction({ kind: 'read' }, sql => sql.all('SELECT 1')),
      { code: 'closed' },
    )
    await database.close()
  })
})
