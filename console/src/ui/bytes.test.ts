import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hexDump, isBinary, toBytes, wrapLines } from './bytes.ts'

test('a hex dump shows offsets, bytes and their ASCII characters', () => {
  const bytes = toBytes({ encoding: 'base64', data: Buffer.from('Penstock \u00e9\n0123456789').toString('base64') })
  assert.equal(
    hexDump(bytes),
    [
      '00000000  50 65 6e 73 74 6f 63 6b  20 c3 a9 0a 30 31 32 33  Penstock ...0123',
      '00000010  34 35 36 37 38 39                                 456789',
    ].join('\n'),
  )
})

test('a narrow dump is aligned too', () => {
  const bytes = toBytes({ encoding: 'utf8', data: 'abcdefghij' })
  assert.equal(
    hexDump(bytes, 8),
    ['00000000  61 62 63 64 65 66 67 68  abcdefgh', '00000008  69 6a                    ij'].join('\n'),
  )
})

test('splits long lines into rows and keeps empty lines', () => {
  assert.deepEqual(wrapLines('abcdefg\n\nhi', 3), ['abc', 'def', 'g', '', 'hi'])
  assert.deepEqual(wrapLines('abcdef', 3), ['abc', 'def'])
})

test('text with control characters is binary; text with line breaks and tabs is not', () => {
  assert.equal(isBinary({ encoding: 'utf8', data: '\0\u0001' }), true)
  assert.equal(isBinary({ encoding: 'utf8', data: 'a\tb\r\nc' }), false)
})
