import assert from 'node:assert/strict'
import test from 'node:test'
import { findingsOf, inexact } from './dependencies.ts'

const page = '| package | for | why |\n|---|---|---|\n| a, @x/client-* | one | two |\n| b (optional) | one | two |\n'

test('reports a dependency without a line, and a line without its dependency', () => {
  assert.deepEqual(findingsOf(page, ['a', 'b', '@x/client-one', '@x/client-two']), [])
  assert.match(findingsOf(page, ['a', 'b', '@x/client-one', 'c']).join(), /c of package.json has no line/)
  assert.match(findingsOf(page, ['a', '@x/client-one']).join(), /b is not in package.json/)
  assert.match(findingsOf(`${page}| a | one | two |\n`, ['a', 'b', '@x/client-one']).join(), /a has two lines/)
})

test('reports a version that is not exact', () => {
  assert.deepEqual(inexact({ a: '1.2.3', b: '1.0.0-rc.1' }), [])
  assert.equal(inexact({ a: '^1.2.3', b: 'latest', c: '1.x' }).length, 3)
})
