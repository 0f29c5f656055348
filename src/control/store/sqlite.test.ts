import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { databaseSuite } from './database.suite.ts'
import { openSqlite } from './sqlite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-control-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

databaseSuite('SQLite in memory', async () => openSqlite(':memory:'))
databaseSuite('SQLite in a file', async () => openSqlite(join(folder, `${files++}.sqlite`)))
