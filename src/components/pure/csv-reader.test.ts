import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { CsvReader, type CsvOptions } from './csv-reader.ts'

/** The rows of a text that arrives in pieces of `pieceBytes` bytes: their values, or an error in their place. */
function rows(text: string, options: Partial<CsvOptions> = {}, pieceBytes = 3): readonly unknown[] {
  const reader = new CsvReader({ delimiter: ',', lazyQuotes: false, width: 0, ...options })
  const bytes = Buffer.from(text)
  const results: unknown[] = []
  const take = () => {
    for (let row = reader.next(); row !== null; row = reader.next()) results.push(row.error?.message ?? row.values)
  }
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    reader.push(bytes.subarray(at, at + pieceBytes))
    take()
  }
  reader.push(null)
  take()
  return results
}

test('values may contain quotes and line breaks, however the text is split', () => {
  const text = 'a,b\r\n"x ""y""","1\r\n2"\n\nü,\n'
  const expected = [
    ['a', 'b'],
    ['x "y"', '1\n2'],
    ['ü', ''],
  ]
  for (const size of [1, 2, 3, 1000]) assert.deepEqual(rows(text, {}, size), expected)
})

test('a last line needs no line break', () => {
  assert.deepEqual(rows('a,b\nc,"d"'), [
    ['a', 'b'],
    ['c', 'd'],
  ])
})

test('malformed rows are reported with their position, and reading continues', () => {
  assert.deepEqual(rows('a,b\nü"x,1\n"y"z,2\n1\n3,4\n"q\nr'), [
    ['a', 'b'],
    'parse error on line 2, column 3: bare " in non-quoted-field',
    'parse error on line 3, column 3: extraneous or missing " in quoted-field',
    'record on line 4: wrong number of fields',
    ['3', '4'],
    'record on line 6; parse error on line 7, column 2: extraneous or missing " in quoted-field',
  ])
})

test('lazy quotes may appear anywhere', () => {
  assert.deepEqual(rows('a "b" c,"d "e" f"\n', { lazyQuotes: true }), [['a "b" c', 'd "e" f']])
})
