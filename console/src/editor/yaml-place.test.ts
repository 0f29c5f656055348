import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyPathAt, placeAt } from './yaml-place.ts'

/** The place at the `|` of a text. */
function place(text: string) {
  const at = text.indexOf('|')
  return placeAt(text.slice(0, at) + text.slice(at + 1), at)
}

test('a partial word below a key is a key of that object', () => {
  const found = place('input:\n  gen|\noutput:\n  drop: {}\n')
  assert.deepEqual(found, { kind: 'key', path: ['input'], siblings: [], from: 9 })
})

test('the indentation of an empty line determines its object', () => {
  assert.deepEqual(place('input:\n  generate:\n    count: 1\n    |\n')?.path, ['input', 'generate'])
  assert.deepEqual(place('input:\n  generate:\n    count: 1\n  |\n')?.path, ['input'])
  assert.deepEqual(place('input:\n  generate:\n    count: 1\n|')?.path, [])
})

test('reports the keys that already exist', () => {
  assert.deepEqual(place('output:\n  kafka:\n    topic: a\n    to|\n    key: b\n')?.siblings, ['topic', 'key'])
})

test('text after a colon is a value', () => {
  const found = place('output:\n  kafka:\n    compression: l|\n')
  assert.deepEqual([found?.kind, found?.path], ['value', ['output', 'kafka', 'compression']])
})

test('a list item is a separate path segment', () => {
  assert.deepEqual(place('pipeline:\n  processors:\n    - map|\n')?.path, ['pipeline', 'processors', 0])
  assert.deepEqual(place('a:\n  - x: 1\n  - y: 1\n    z|\n')?.path, ['a', 1])
})

test('a key that is being edited does not include its value', () => {
  const found = place('input:\n  gen|erate:\n    count: 1\n')
  assert.deepEqual([found?.kind, found?.path], ['key', ['input']])
})

test('completes nothing in a comment or in the text of a mapping', () => {
  assert.equal(place('# inp|\n'), undefined)
  assert.equal(place('a:\n  mapping: |2\n    ro'.replace('|2', '>').concat('|')), undefined)
})

test('finds the key under the pointer and its path', () => {
  const text = 'a:\n  - bcd: 1\n'
  assert.deepEqual(keyPathAt(text, text.indexOf('cd')), { path: ['a', 0, 'bcd'], from: 7, to: 10 })
  assert.equal(keyPathAt(text, text.indexOf('1')), undefined)
})
