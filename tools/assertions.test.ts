import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingsOf } from './assertions.ts'

test('an assertion without a comment is reported with its line', () => {
  const [finding, ...others] = findingsOf('a.ts', 'const a = 1\nconst b = a as unknown\n')
  assert.match(finding!, /^a\.ts:2: `as unknown` needs its reason/)
  assert.deepEqual(others, [])
})

test('a comment on the line or on the line above is the reason', () => {
  assert.deepEqual(findingsOf('a.ts', 'const b = a as Text // lengths were compared\n'), [])
  assert.deepEqual(findingsOf('a.ts', '// Lengths were compared.\nconst b = a as Text\n'), [])
  assert.deepEqual(findingsOf('a.ts', 'const b = a as {\n  x: 1 // lengths were compared\n}\n').length, 1)
})

test('a comment further away does not count', () => {
  assert.equal(findingsOf('a.ts', '// About something else.\n\nconst b = a as Text\n').length, 1)
})

test('an assertion in angle brackets counts, `as const` and renamed imports do not', () => {
  assert.equal(findingsOf('a.ts', 'const b = <Text>a\n').length, 1)
  assert.deepEqual(findingsOf('a.ts', "import { a as b } from './b.ts'\nconst c = [b] as const\n"), [])
})
