import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { databaseSuite } from './database.suite.ts'
import { hasPostgres, startPostgresServer } from '../../test/servers/postgres-server.ts'
import { DatabaseError, openPostgres, openSqlite, openSqliteHere } from './index.ts'
import { until } from '../base/until.suite.ts'

const folder = await mkdtemp(join(tmpdir(), 'penstock-database-'))
after(() => rm(folder, { recursive: true }))
let files = 0
const freshPath = () => join(folder, `${files++}.db`)

databaseSuite('memory', async () => ({ database: openSqliteHere({ path: ':memory:' }) }))
databaseSuite('a file, in a thread', async () => {
  const path = freshPath()
  return { database: await openSqlite({ path }), again: () => openSqlite({ path }) }
})

describe('an SQLite file', () => {
  it('that cannot be opened is named in the error', async () => {
    const path = join(folder, 'no', 'such', 'folder.db')
    await assert.rejects(openSqlite({ path }), /cannot open the database .*no\/such\/folder.db/)
    assert.throws(() => openSqliteHere({ path }), /cannot open the database/)
  })

  it('is lost when its thread ends: listeners are notified before pending calls fail', async () => {
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

describe('PostgreSQL', { skip: hasPostgres() ? false : 'PostgreSQL is not installed' }, async () => {
  const server = await startPostgresServer()
  after(() => server.close())
  let schemas = 0

  databaseSuite('PostgreSQL', async () => {
    const options = { url: server.url, schema: `suite_${schemas++}`, connections: 5 }
    return { database: await openPostgres(options), again: () => openPostgres(options) }
  })

  const open = () => openPostgres({ url: server.url, schema: `own_${schemas++}` })
  const retriable = (error: unknown) =>
    error instanceof DatabaseError && error.code === 'unreachable' && error.isRetriable

  it('that is unreachable gives a retriable error, and one without the database an error that names it', async () => {
    await assert.rejects(openPostgres({ url: 'postgres://postgres@127.0.0.1:1/none' }), retriable)
    await assert.rejects(
      openPostgres({ url: server.url.replace(/postgres$/, 'none') }),
      /database "none" does not exist/,
    )
  })

  it('needs no permission to create schemas if its own exists', async () => {
    const owner = await openPostgres({ url: server.url, schema: 'given' })
    await owner.transaction({ kind: 'write' }, async sql => {
      await sql.run('CREATE ROLE limited LOGIN')
      await sql.run('GRANT ALL ON SCHEMA given TO limited')
    })
    await owner.close()
    const url = server.url.replace('postgres@', 'limited@')
    const database = await openPostgres({ url, schema: 'given' })
    await database.transaction({ kind: 'write' }, sql => sql.run('CREATE TABLE own (id bigint)'))
    await database.close()
    await assert.rejects(openPostgres({ url, schema: 'missing' }), /permission denied/)
  })

  it('retries a transaction that a deadlock aborted', async () => {
    const database = await open()
    const write = (name: string, first: number, second: number) =>
      database.transaction({ kind: 'write' }, async sql => {
        await sql.run('UPDATE pairs SET writer = ? WHERE id = ?', name, first)
        await new Promise(resolve => setTimeout(resolve, 50))
        await sql.run('UPDATE pairs SET writer = ? WHERE id = ?', name, second)
      })
    await database.transaction({ kind: 'write' }, async sql => {
      await sql.run('CREATE TABLE pairs (id bigint PRIMARY KEY, writer text)')
      await sql.run('INSERT INTO pairs (id) VALUES (1), (2)')
    })
    await Promise.all([write('a', 1, 2), write('b', 2, 1)]) // a deadlock, which PostgreSQL breaks
    const rows = await database.transaction({ kind: 'read' }, sql => sql.all<{ writer: string }>('SELECT * FROM pairs'))
    assert.equal(new Set(rows.map(({ writer }) => writer)).size, 1)
    await database.close()
  })

  it('fails a transaction whose connection is lost, and continues with another connection', async () => {
    const database = await open()
    const failing = database.transaction({ kind: 'write' }, async sql => {
      await sql.run('CREATE TABLE lost (id bigint)')
      const [{ pid } = { pid: 0 }] = await sql.all<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await database.transaction({ kind: 'read' }, other => other.all('SELECT pg_terminate_backend(?)', pid))
      await sql.run('INSERT INTO lost VALUES (1)')
    })
    await assert.rejects(failing, retriable)
    await assert.rejects(
      database.transaction({ kind: 'read' }, sql => sql.all('SELECT * FROM lost')),
      /"lost" does not exist/,
    )
    await database.close()
  })

  it('does not know whether a transaction was committed if the connection is lost together with the commit', async () => {
    const database = await open()
    const unclear = database.transaction({ kind: 'write' }, async sql => {
      const [{ pid } = { pid: 0 }] = await sql.all<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      await database.transaction({ kind: 'read' }, other => other.all('SELECT pg_terminate_backend(?)', pid))
      sql.runLast('CREATE TABLE unclear (id bigint)')
    })
    await assert.rejects(unclear, { code: 'unknown_outcome' })
    await database.close()
  })

  it('plans a statement once if the transaction keeps plans', async () => {
    const database = await open()
    const plans = (keepsPlans: boolean) =>
      database.transaction({ kind: 'write', keepsPlans }, async sql => {
        await sql.all('SELECT n FROM ROWS(n integer) AS r', [[1]])
        const statement = `SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE ?`
        return (await sql.all<{ generic_plans: number; custom_plans: number }>(statement, 'SELECT n FROM%'))[0]
      })
    assert.deepEqual({ ...(await plans(true)) }, { generic_plans: 1, custom_plans: 0 })
    assert.deepEqual({ ...(await plans(false)) }, { generic_plans: 1, custom_plans: 1 })
    await database.close()
  })

  it('that was unreachable is used again as soon as it is back', async () => {
    const database = await open()
    await server.crash()
    const ask = () => database.transaction({ kind: 'read' }, sql => sql.all<{ one: number }>('SELECT 1 AS one'))
    await assert.rejects(ask(), retriable)
    await server.start()
    assert.deepEqual(await ask(), [{ one: 1 }])
    await database.close()
  })

  it('passes notifications between processes', async () => {
    const [one, other] = [await open(), await open()]
    const url = { url: server.url, schema: 'shared' }
    const [sender, receiver] = [await openPostgres(url), await openPostgres(url)]
    const heard: string[] = []
    let gaps = 0
    await receiver.listen(
      'news',
      payload => heard.push(payload),
      () => gaps++,
    )
    await other.notify('news', 'of another schema')
    await sender.notify('news', 'a')
    await sender.notify('news', 'b')
    await until(() => heard.length === 2)
    assert.deepEqual([heard, gaps], [['a', 'b'], 0])
    await assert.rejects(sender.notify('news', 'x'.repeat(8000)), { code: 'failed' })
    await server.crash()
    await server.start()
    await until(() => gaps === 1)
    await sender.notify('news', 'c')
    await until(() => heard.length === 3)
    for (const database of [one, other, sender, receiver]) await database.close()
  })
})
