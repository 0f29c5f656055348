import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Sender } from '../../../test/connectors/streams.ts'
import type { Batch } from '../../engine/index.ts'
import { runCollecting } from '../collecting.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-sql-'))
after(() => rmSync(folder, { recursive: true }))

/** Runs a stream; `accept` may reject batches. */
async function run(config: string, accept: (batch: Batch) => void = () => undefined): Promise<readonly string[]> {
  const results: string[] = []
  await runCollecting(config, batch => {
    accept(batch)
    for (const message of batch) results.push(message.text())
  })
  return results
}

test('rows inserted by one stream are selected by another', async () => {
  const dsn = `file:${join(folder, 'a.db')}`
  await run(`input: { generate: { count: 2, interval: '', mapping: 'root = { "id": counter(), "x": 0.5 }' } }
output:
  sql_insert:
    driver: sqlite
    dsn: ${dsn}
    table: t
    columns: [ id, x ]
    args_mapping: root = [ this.id, this.x ]
    init_statement: CREATE TABLE t (id INTEGER PRIMARY KEY, x REAL)
`)
  const rows =
    await run(`input: { sql_select: { driver: sqlite, dsn: '${dsn}', table: t, columns: [ '*' ], suffix: ORDER BY id DESC } }
output: { collect: {} }
`)
  assert.deepEqual(rows, ['{"id":2,"x":0.5}', '{"id":1,"x":0.5}'])
})

test('a database file that cannot be opened rejects messages until it can be', async () => {
  const place = join(folder, 'later')
  const sender = await Sender.start({
    sql_insert: {
      driver: 'sqlite',
      dsn: `file:${join(place, 'c.db')}`,
      table: 't',
      columns: ['x'],
      args_mapping: 'root = [ content().string() ]',
      init_statement: 'CREATE TABLE t (x TEXT)',
    },
  })
  await assert.rejects(sender.send('early'), /unable to open database file \(14\)$/)
  mkdirSync(place)
  await sender.send('in time')
  await sender.close()
  const rows = await run(
    `input: { sql_select: { driver: sqlite, dsn: 'file:${join(place, 'c.db')}', table: t, columns: [ x ] } }
output: { collect: {} }
`,
  )
  assert.deepEqual(rows, ['{"x":"in time"}'])
})

test('the buffer redelivers rejected messages', async () => {
  let attempts = 0
  const rows = await run(
    `input: { generate: { count: 2, interval: '', mapping: 'root = counter()' } }
buffer: { sqlite: { path: '${join(folder, 'b.db')}' } }
output: { collect: {} }
`,
    () => {
      attempts++
      if (attempts === 1) throw new Error('busy')
    },
  )
  assert.deepEqual(rows.toSorted(), ['1', '2'])
})
