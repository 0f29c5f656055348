import assert from 'node:assert/strict'
import test from 'node:test'
import { claims, findingsOf } from './claims.ts'

const [handlers, pages, expressions, databases] = claims

test('state in a handler is found, constants are not', () => {
  const file = 'src/broker/handlers/00-produce.ts'
  const state = 'let count = 0\nconst seen = new Map<string, number>()\nconst list: string[] = []\nconst all = []\n'
  assert.equal(findingsOf(handlers!, file, state).length, 4)
  const constants =
    'const FIRST = 3\nconst keys = new Set([1])\nfunction f() {\n  const own = new Map()\n  let next = 0\n}\n'
  assert.deepEqual(findingsOf(handlers!, file, constants), [])
})

test('a page that asks the server by itself is found', () => {
  assert.equal(findingsOf(pages!, 'console/src/pages/a.tsx', "await fetch('/api/v1/x')").length, 1)
  assert.deepEqual(findingsOf(pages!, 'console/src/pages/a.tsx', 'void query.refetch(); a.fetch()'), [])
  assert.deepEqual(findingsOf(pages!, 'console/src/api/client.ts', "fetch('/api')"), [])
})

test('an expression that is built of a text is found', () => {
  assert.equal(findingsOf(expressions!, 'src/engine/a.ts', 'const a = new RegExp(pattern)').length, 1)
  assert.deepEqual(findingsOf(expressions!, 'src/bloblang/text/re2/a.ts', 'new RegExp(pattern)'), [])
})

test('a database file on the calling thread is found', () => {
  assert.equal(findingsOf(databases!, 'src/control/a.ts', 'openSqliteHere({ path })').length, 1)
  assert.equal(findingsOf(databases!, 'src/broker/a.ts', "import { DatabaseSync } from 'node:sqlite'").length, 1)
})
