import assert from 'node:assert/strict'
import test from 'node:test'
import { claims, findingsOf } from './claims.ts'

const [handlers, pages, expressions, databases, drivers, accesses, places, caches] = claims

test('reports state in a handler, but not constants', () => {
  const file = 'src/broker/handlers/00-produce.ts'
  const state = 'let count = 0\nconst seen = new Map<string, number>()\nconst list: string[] = []\nconst all = []\n'
  assert.equal(findingsOf(handlers!, file, state).length, 4)
  const constants =
    'const FIRST = 3\nconst keys = new Set([1])\nfunction f() {\n  const own = new Map()\n  let next = 0\n}\n'
  assert.deepEqual(findingsOf(handlers!, file, constants), [])
})

test('reports a page that calls the server directly', () => {
  assert.equal(findingsOf(pages!, 'console/src/pages/a.tsx', "await fetch('/api/v1/x')").length, 1)
  assert.deepEqual(findingsOf(pages!, 'console/src/pages/a.tsx', 'void query.refetch(); a.fetch()'), [])
  assert.deepEqual(findingsOf(pages!, 'console/src/api/client.ts', "fetch('/api')"), [])
})

test('reports an expression that is built from a string', () => {
  assert.equal(findingsOf(expressions!, 'src/engine/a.ts', 'const a = new RegExp(pattern)').length, 1)
  assert.deepEqual(findingsOf(expressions!, 'src/bloblang/text/re2/a.ts', 'new RegExp(pattern)'), [])
})

test('reports a database file on the calling thread', () => {
  assert.equal(findingsOf(databases!, 'src/control/a.ts', 'openSqliteHere({ path })').length, 1)
  assert.equal(findingsOf(databases!, 'src/broker/a.ts', "import { DatabaseSync } from 'node:sqlite'").length, 1)
})

test('reports access to a database that bypasses src/database', () => {
  assert.equal(findingsOf(drivers!, 'src/control/a.ts', "import pg from 'pg'").length, 1)
  assert.deepEqual(findingsOf(drivers!, 'src/engine/a.ts', "import type { DatabaseSync } from 'node:sqlite'"), [])
})

test('reports a handler that never checks access', () => {
  const file = 'src/broker/handlers/00-produce.ts'
  assert.equal(findingsOf(accesses!, file, 'handle() { return {} }').length, 1)
  assert.deepEqual(findingsOf(accesses!, file, 'handle(_, { access }) { return {} }'), [])
})

test('reports code that depends on its file location, and compiled code in temporary folders', () => {
  assert.equal(findingsOf(places!, 'src/engine/a.ts', 'join(import.meta.dirname, "a")').length, 1)
  assert.equal(findingsOf(caches!, 'src/cli/main.ts', 'enableCompileCache(tmpdir())').length, 1)
})
