import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Database, Sql } from './database.ts'
import { DatabaseError } from './errors.ts'
import { migrate, type Migration } from './migrations.ts'
import { bytes, createTable, integer, nullable, references, serial, type Table, text } from './schema.ts'

const items: Table = {
  columns: { id: serial, name: text, size: nullable(integer), body: nullable(bytes) },
  primaryKey: ['id'],
  unique: [['name']],
  indexes: [['size', 'name']],
}
const tags: Table = {
  columns: { item: references('items', integer), name: text },
  primaryKey: ['item', 'name'],
}

const migrations: readonly Migration[] = [
  {
    name: 'tables',
    statements: dialect => [...createTable('items', items, dialect), ...createTable('tags', tags, dialect)],
  },
]

interface Item {
  readonly id: number
  readonly name: string
  readonly size: number | null
  readonly body: Uint8Array | null
}

/**
 * What every database promises. `open` returns an empty database, and on request a second connection to the same one.
 */
export function databaseSuite(
  name: string,
  open: () => Promise<{ readonly database: Database; again?(): Promise<Database> }>,
): void {
  describe(`a database in ${name}`, () => {
    let database: Database
    let again: (() => Promise<Database>) | undefined
    beforeEach(async () => {
      ;({ database, again } = await open())
      await migrate(database, 'test', migrations)
    })
    afterEach(() => database.close())

    const write = <Result>(work: (sql: Sql) => Promise<Result>) => database.transaction({ kind: 'write' }, work)
    const read = <Result>(work: (sql: Sql) => Promise<Result>) => database.transaction({ kind: 'read' }, work)
    const insert = (sql: Sql, item: string) => sql.run('INSERT INTO items (name) VALUES (?)', item)
    const names = () =>
      read(sql => sql.all<{ name: string }>('SELECT name FROM items ORDER BY name')).then(rows =>
        rows.map(row => row.name),
      )

    it('returns values as they were written', async () => {
      const body = Uint8Array.of(0, 1, 255)
      const [row] = await write(async sql => {
        const values = ['ä\u{1F600}', Number.MAX_SAFE_INTEGER, body] as const
        await sql.run('INSERT INTO items (name, size, body) VALUES (?, ?, ?)', ...values)
        return sql.all<Item>('SELECT id, name, size, body FROM items')
      })
      assert.equal(typeof row!.id, 'number')
      assert.deepEqual([row!.name, row!.size], ['ä\u{1F600}', Number.MAX_SAFE_INTEGER])
      assert.deepEqual(Uint8Array.from(row!.body!), body)
    })

    it('sorts text by its bytes', async () => {
      await write(async sql => {
        for (const item of ['b', 'a-b', 'ab', 'B', 'ä']) await insert(sql, item)
      })
      assert.deepEqual(await names(), ['B', 'a-b', 'ab', 'b', 'ä'])
    })

    it('returns every character of a text, including those that databases reject', async () => {
      const odd = ['a\u0000b', '\uE000', '\uE000\uE002\u0000', '\u0000\uE000\uE001', "'\\\n"]
      await write(async sql => {
        await insert(sql, odd[0]!)
        await sql.run(
          'INSERT INTO items (name) SELECT name FROM ROWS(name text) AS r',
          odd.slice(1).map(text => [text]),
        )
      })
      assert.deepEqual(new Set(await names()), new Set(odd))
      const found = await read(sql => sql.all<{ name: string }>('SELECT name FROM items WHERE name = ?', odd[2]!))
      assert.deepEqual(
        found.map(row => row.name),
        [odd[2]],
      )
    })

    it('rolls back a transaction that throws, and rethrows its error', async () => {
      const failing = write(async sql => {
        await insert(sql, 'one')
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.deepEqual(await names(), [])
    })

    it('commits or rolls back concurrent transactions independently', async () => {
      const results = await Promise.allSettled([
        write(sql => insert(sql, 'one')),
        write(sql => insert(sql, 'one')),
        write(async sql => {
          await insert(sql, 'two')
          throw new Error('no')
        }),
        write(sql => insert(sql, 'three')),
      ])
      // Where the two run concurrently, either may get the name.
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 2)
      assert.equal(results[3].status, 'fulfilled')
      assert.deepEqual(await names(), ['one', 'three'])
    })

    it('loses no update when transactions change the same row concurrently', async () => {
      await write(sql => sql.run('INSERT INTO items (name, size) VALUES (?, 0)', 'counter'))
      const add = () =>
        write(async sql => {
          const [row] = await sql.all<{ size: number }>('SELECT size FROM items WHERE name = ? FOR UPDATE', 'counter')
          await new Promise(resolve => setImmediate(resolve))
          await sql.run('UPDATE items SET size = ? WHERE name = ?', row!.size + 1, 'counter')
        })
      await Promise.all(Array.from({ length: 20 }, add))
      const [row] = await read(sql => sql.all<{ size: number }>('SELECT size FROM items'))
      assert.equal(row?.size, 20)
    })

    it('reports an existing row as a duplicate', async () => {
      await write(sql => insert(sql, 'one'))
      await assert.rejects(
        write(sql => insert(sql, 'one')),
        (error: unknown) => error instanceof DatabaseError && error.code === 'duplicate' && !error.isRetriable,
      )
    })

    it('rejects writes in a read transaction', async () => {
      await assert.rejects(
        read(sql => insert(sql, 'one')),
        { code: 'failed' },
      )
      assert.deepEqual(await names(), [])
    })

    it('returns the rows that a statement wrote', async () => {
      const rows = await write(sql =>
        sql.all<{ id: number; name: string }>(
          'INSERT INTO items (name) SELECT name FROM ROWS(name text) AS r RETURNING id, name',
          [['one'], ['two']],
        ),
      )
      assert.deepEqual(rows.map(row => row.name).toSorted(), ['one', 'two'])
      assert.equal(new Set(rows.map(row => row.id)).size, 2)
    })

    for (const count of [0, 1, 3, 5000]) {
      it(`reads and writes sets of ${count} rows in one statement`, async () => {
        const set = Array.from({ length: count }, (_, index) => [index, `n${index}`] as const)
        await write(async sql => {
          const statement = 'INSERT INTO items (name, size) SELECT name, size FROM ROWS(size integer, name text) AS r'
          assert.equal(await sql.run(statement, set), count)
          const update = `UPDATE items SET size = items.size + ? + r.more FROM ROWS(name text, more integer) AS r
            WHERE items.name = r.name`
          assert.equal(
            await sql.run(
              update,
              1,
              set.map(([index, item]) => [item, index]),
            ),
            count,
          )
        })
        const wanted = set.filter(([index]) => index % 2 === 0).map(([, item]) => [item])
        const found = await read(sql =>
          sql.all<Item>('SELECT name, size FROM items WHERE name IN (SELECT name FROM ROWS(name text) AS r)', wanted),
        )
        assert.equal(found.length, wanted.length)
        for (const { name: item, size } of found) assert.equal(size, Number(item.slice(1)) * 2 + 1)
      })
    }

    it('preserves unusual text and nulls in sets', async () => {
      const odd = [
        ['"{},\\ \'', null],
        ['NULL', 1],
        ['', 2],
      ] as const
      await write(sql =>
        sql.run('INSERT INTO items (name, size) SELECT name, size FROM ROWS(name text, size integer) AS r', odd),
      )
      const rows = await read(sql => sql.all<Item>('SELECT name, size FROM items ORDER BY name'))
      assert.deepEqual(
        rows.map(row => [row.name, row.size]),
        [
          ['', 2],
          ['"{},\\ \'', null],
          ['NULL', 1],
        ],
      )
    })

    it('executes statements issued together in order', async () => {
      const answers = await write(sql =>
        Promise.all([
          insert(sql, 'one'),
          sql.all<Item>('SELECT name FROM items'),
          insert(sql, 'two'),
          sql.all('SELECT name FROM items'),
        ]),
      )
      assert.deepEqual([answers[1].length, answers[3].length], [1, 2])
    })

    it('runs statements together with the commit, in order', async () => {
      const result = await write(async sql => {
        sql.runLast('INSERT INTO items (name, size) VALUES (?, 1)', 'one')
        sql.runLast('UPDATE items SET size = size + 1 WHERE name = ?', 'one')
        return 'done'
      })
      assert.equal(result, 'done')
      const rows = await read(sql => sql.all<Item>('SELECT name, size FROM items'))
      assert.deepEqual(
        rows.map(row => [row.name, row.size]),
        [['one', 2]],
      )
    })

    it('rejects and rolls back a transaction whose last statement fails, and no other', async () => {
      await write(sql => insert(sql, 'one'))
      const [failed, other] = await Promise.allSettled([
        write(async sql => {
          await insert(sql, 'two')
          sql.runLast('INSERT INTO items (name) VALUES (?)', 'one')
          sql.runLast('INSERT INTO items (name) VALUES (?)', 'three')
        }),
        write(sql => insert(sql, 'four')),
      ])
      assert.ok(failed.status === 'rejected' && failed.reason instanceof DatabaseError)
      assert.equal(failed.reason.code, 'duplicate')
      assert.equal(other.status, 'fulfilled')
      assert.deepEqual(await names(), ['four', 'one'])
      const reading = read(async sql => sql.runLast('INSERT INTO items (name) VALUES (?)', 'five'))
      await assert.rejects(reading, { code: 'failed' })
    })

    it('deletes rows that refer to a deleted row', async () => {
      await write(async sql => {
        const [row] = await sql.all<{ id: number }>(`INSERT INTO items (name) VALUES ('one') RETURNING id`)
        await sql.run('INSERT INTO tags (item, name) VALUES (?, ?)', row!.id, 'tag')
        await sql.run('DELETE FROM items')
        assert.deepEqual(await sql.all('SELECT name FROM tags'), [])
      })
    })

    it('never assigns a serial number twice', async () => {
      const add = () => write(sql => sql.all<{ id: number }>(`INSERT INTO items (name) VALUES ('x') RETURNING id`))
      const [first] = await add()
      await write(sql => sql.run('DELETE FROM items'))
      const [second] = await add()
      assert.notEqual(second!.id, first!.id)
    })

    it('rejects transactions after it was closed, and finishes earlier ones', async () => {
      const before = write(sql => insert(sql, 'one'))
      await Promise.all([before, database.close()])
      await assert.rejects(names(), { code: 'closed' })
      await database.close()
    })

    describe('migrations', () => {
      const more = [...migrations, { name: 'more', statements: () => ['ALTER TABLE items ADD COLUMN more text'] }]

      it('run once, in order, and only forward', async () => {
        await migrate(database, 'test', more)
        await migrate(database, 'test', more)
        await write(sql => sql.run(`INSERT INTO items (name, more) VALUES ('one', 'x')`))
        await assert.rejects(migrate(database, 'test', migrations), { code: 'newer_schema' })
        await migrate(database, 'other', [])
      })

      it('are rolled back when one of them fails', async () => {
        const broken = { name: 'broken', statements: () => ['ALTER TABLE items ADD COLUMN lost text', 'NO SQL'] }
        await assert.rejects(migrate(database, 'test', [...migrations, broken]), { code: 'failed' })
        await assert.rejects(
          read(sql => sql.all('SELECT lost FROM items')),
          { code: 'failed' },
        )
        await migrate(database, 'test', more)
      })

      it('wait for those of another process for longer than for any other lock', async () => {
        let refusals = 3
        const locked: Database = Object.create(database, {
          transaction: {
            value: (...given: Parameters<Database['transaction']>) =>
              refusals-- > 0
                ? Promise.reject(new DatabaseError('busy', 'another process is migrating'))
                : database.transaction(...given),
          },
        })
        await migrate(locked, 'test', more)
        await write(sql => sql.run(`INSERT INTO items (name, more) VALUES ('one', 'x')`))
      })

      it('run once when several processes start together', async context => {
        if (again === undefined) return context.skip('this database has one connection')
        const others = await Promise.all([again(), again(), again()])
        await Promise.all([database, ...others].map(each => migrate(each, 'test', more)))
        await Promise.all(others.map(other => other.close()))
      })
    })

    it('shows one connection what another one has committed', async context => {
      if (again === undefined) return context.skip('this database has one connection')
      const other = await again()
      await other.transaction({ kind: 'write', durable: false }, sql => insert(sql, 'one'))
      assert.deepEqual(await names(), ['one'])
      await other.close()
    })
  })
}
