import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MappingError } from '../errors.ts'
import { Float } from '../value.ts'
import { utf8Bytes, utf8Text } from './bytes.ts'
import { title, upper } from './case.ts'
import { compressor, decompressor } from './compression/codecs.ts'
import { formatFloat } from './go-float.ts'
import { sprintf } from './go-format.ts'
import { xxhash32, xxhash64 } from './xxhash.ts'
import { slug } from './slug.ts'

test('bytes survive the round trip through a string', () => {
  const bytes = Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xe2, 0x98, 0xf0, 0x9f, 0x98, 0x80)
  assert.deepEqual(new Uint8Array(utf8Bytes(utf8Text(bytes))), bytes)
})

test('a verb that does not fit its operand prints an error', () => {
  assert.equal(
    sprintf('%d %s|%5.1f|%d', [5, 7n, new Float(2.25)]),
    '%!d(json.Number=5) %!s(int64=7)|  2.2|%!d(MISSING)',
  )
})

test('floats are rounded from their exact value, with halves to even', () => {
  assert.equal(formatFloat(2.5, 'f', 0), '2')
  assert.equal(formatFloat(0.1, 'f', 25), '0.1000000000000000055511151')
  assert.equal(formatFloat(1_234_567, 'g', -1), '1.234567e+06')
})

test('a format cannot request excessive memory', () => {
  assert.equal(sprintf('%1000000000d', [1n]), '%!(NOVERB)%!(EXTRA int64=1)')
  assert.throws(
    () =>
      sprintf(
        '%999999d'.repeat(300),
        Array.from({ length: 300 }, () => 1n),
      ),
    MappingError,
  )
})

test('upper and lower case use the simple case mappings, title case the full ones', () => {
  assert.equal(upper('straße ﬁ'), 'STRAßE ﬁ')
  assert.equal(title('ﬁne ǆ ΑΣ'), 'Fine ǅ Ας')
})

test('every algorithm decompresses its own output', () => {
  const input = Buffer.from('some text that repeats, some text that repeats'.repeat(20))
  for (const name of ['gzip', 'pgzip', 'zlib', 'flate', 'snappy', 'lz4', 'zstd']) {
    assert.deepEqual(Buffer.from(decompressor(name)(compressor(name, -1)(input))), input, name)
  }
})

test('hashes match known values', () => {
  assert.equal(xxhash64(Buffer.from('')), 0xef46db3751d8e999n)
  assert.equal(xxhash32(Buffer.from('')), 0x02cc5d05)
})

test('slugs depend on the language', () => {
  assert.equal(slug('Äpfel & Öl', 'de'), 'aepfel-und-oel')
  assert.equal(slug('北京', 'en'), 'bei-jing')
})

test('data after a zstd frame must be another frame', () => {
  const frame = compressor('zstd', -1)(utf8Bytes('abc'))
  const both = Uint8Array.of(...frame, ...frame)
  assert.equal(utf8Text(decompressor('zstd')(both)), 'abcabc')
  assert.throws(() => decompressor('zstd')(Uint8Array.of(...frame, 1, 2, 3)), /magic number mismatch/)
})
