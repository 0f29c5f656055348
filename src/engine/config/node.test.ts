import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml, plainValue, valueOf, YamlError } from './node.ts'

const value = (text: string) => plainValue(parseYaml(text))

test('scalars have the types that YAML gives them', () => {
  assert.deepEqual(value('[1, 0x10, 0o17, 017, 1_000, 1.5, true, yes, null, ~, "1", 12345678901234567890]'), [
    1,
    16,
    15,
    15,
    1000,
    1.5,
    true,
    'yes',
    null,
    null,
    '1',
    12345678901234567890n,
  ])
})

test('only the first document is read, and a repeated key takes its last value', () => {
  assert.deepEqual(value('a: 1\na: 2\n---\nb: 3\n'), { a: 2 })
})

test('nodes record their line, blocks the line of their first key', () => {
  const root = parseYaml('input:\n  stdin: {}\noutput:\n  # why\n  drop: {}\n')
  assert.equal(valueOf(root, 'output')?.line, 5)
})

test('an alias resolves to its anchor, and an unknown alias is an error', () => {
  assert.deepEqual(value('a: &x {b: 1}\nc: *x\n'), { a: { b: 1 }, c: { b: 1 } })
  assert.throws(() => parseYaml('a: *nope\n'), /unknown anchor 'nope' referenced/)
})

test("a syntax error has the original's message and the actual position", () => {
  const fails = (text: string, message: string, line: number) => {
    assert.throws(
      () => parseYaml(text),
      (error: unknown) => {
        assert.ok(error instanceof YamlError)
        assert.deepEqual([error.message, error.line], [message, line])
        return true
      },
    )
  }
  fails("a:\n  b: 'x\n", 'yaml: line 2: found unexpected end of stream', 3)
  fails('a: { b: 1\nc: 2\n', "yaml: line 1: did not find expected ',' or '}'", 2)
  fails('a:\n  b: {}\n c: 1\n', 'yaml: line 2: did not find expected key', 3)
  fails('a: @b\n', 'yaml: found character that cannot start any token', 1)
  fails('a:\n  b: {}\n  c d\ne: 1\n', "yaml: line 3: could not find expected ':'", 3)
})

test('a block that ends at the end of the file has no final line break', () => {
  assert.deepEqual(value('a: |\n  one\n  two'), { a: 'one\ntwo' })
  assert.deepEqual(value('a: >\n  one\n  two'), { a: 'one two' })
  assert.deepEqual(value('a: |+\n  one'), { a: 'one' })
  assert.deepEqual(value('a: |\n  one\n'), { a: 'one\n' })
  assert.deepEqual(value('a: |\n  one\n\n'), { a: 'one\n' })
})

test('spaces beyond the indentation belong to the text, also at the end of a block', () => {
  assert.deepEqual(value('a:\n  b: |-2\n    \n      x\n      \n  c: 1\n'), { a: { b: '\n  x\n  ', c: 1 } })
  assert.deepEqual(value('a: |\n  x\n    \n'), { a: 'x\n  \n' })
  assert.deepEqual(value('a: |\n  x\n \n'), { a: 'x\n' })
})
