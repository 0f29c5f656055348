// Inputs whose source is missing when the stream starts report that, wait, and read it once it appears.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createLog } from '../engine/index.ts'
import { runCollecting } from './collecting.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-late-'))
after(() => rmSync(folder, { recursive: true }))

/** Starts a stream, creates its source once it has logged a matching error, and returns what it delivered. */
async function readLate(input: string, complaint: RegExp, makeSource: () => void): Promise<readonly string[]> {
  const delivered: string[] = []
  let make: (() => void) | undefined = makeSource
  const format = { level: 'ERROR', format: 'logfmt', add_timestamp: false, static_fields: {} }
  const names = { level_name: 'level', timestamp_name: 'time', message_name: 'msg' }
  const log = createLog(
    { ...format, ...names },
    line => {
      if (!complaint.test(line)) return
      make?.()
      make = undefined
    },
    () => 0,
  )
  await runCollecting(
    `input: ${input}\noutput: { collect: {} }\n`,
    batch => {
      for (const message of batch) delivered.push(message.text())
    },
    log,
  )
  assert.equal(make, undefined, 'the missing source was reported')
  return delivered
}

test('a file', async () => {
  const path = join(folder, 'late.txt')
  const make = () => writeFileSync(path, 'a\nb\n')
  assert.deepEqual(await readLate(`{ file: { paths: [ '${path}' ] } }`, /late\.txt: no such file/, make), ['a', 'b'])
})

test('the second of two files', async () => {
  const [first, second] = [join(folder, 'first.txt'), join(folder, 'second.txt')]
  writeFileSync(first, 'a\n')
  const make = () => writeFileSync(second, 'b\n')
  const input = `{ file: { paths: [ '${first}', '${second}' ] } }`
  assert.deepEqual(await readLate(input, /second\.txt: no such file/, make), ['a', 'b'])
})

test('a table of comma-separated values', async () => {
  const path = join(folder, 'late.csv')
  const make = () => writeFileSync(path, 'x\n1\n')
  assert.deepEqual(await readLate(`{ csv: { paths: [ '${path}' ] } }`, /late\.csv: no such file/, make), ['{"x":"1"}'])
})

for (const kind of ['sql_select', 'sql_raw']) {
  test(`a table of a database (${kind})`, async () => {
    const path = join(folder, `${kind}.db`)
    const query = kind === 'sql_raw' ? 'query: SELECT n FROM late' : 'table: late, columns: [ n ]'
    const make = () => {
      const database = new DatabaseSync(path)
      database.exec('CREATE TABLE late (n INTEGER); INSERT INTO late VALUES (7)')
      database.close()
    }
    const input = `{ ${kind}: { driver: sqlite, dsn: 'file:${path}', ${query} } }`
    assert.deepEqual(await readLate(input, /no such table: late/, make), ['{"n":7}'])
  })
}

test('the folder of a database', async () => {
  const path = join(folder, 'below', 'x.db')
  const input = `{ sql_raw: { driver: sqlite, dsn: 'file:${path}', query: SELECT n FROM late } }`
  const delivered = await readLate(input, /unable to open database/, () => {
    mkdirSync(join(folder, 'below'))
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE late (n INTEGER); INSERT INTO late VALUES (8)')
    database.close()
  })
  assert.deepEqual(delivered, ['{"n":8}'])
})
