import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatUuidV4 } from '../../base/index.ts'
import { formatKsuid, formatUlid, randomText, ulidBytes } from './identifiers.ts'

const ONES = new Uint8Array(16).fill(0xff)

test('a UUID contains its version and variant', () => {
  assert.equal(formatUuidV4(ONES), 'ffffffff-ffff-4fff-bfff-ffffffffffff')
  assert.equal(formatUuidV4(new Uint8Array(16)), '00000000-0000-4000-8000-000000000000')
})

test('KSUIDs and ULIDs sort by their time', () => {
  assert.equal(formatKsuid(1_400_000_000, new Uint8Array(16)), '0'.repeat(27))
  assert.ok(formatKsuid(1_600_000_000, ONES) < formatKsuid(1_600_000_001, new Uint8Array(16)))
  assert.equal(formatUlid(ulidBytes(2 ** 48 - 1, ONES)), '7ZZZZZZZZZZZZZZZZZZZZZZZZZ')
  assert.ok(formatUlid(ulidBytes(5, ONES)) < formatUlid(ulidBytes(6, new Uint8Array(10))))
})

test('random strings use only characters of their alphabet', () => {
  let next = 0
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => next++)
  assert.match(randomText(Array.from('abc'), 50, bytes), /^[abc]{50}$/)
  assert.equal(randomText(['x'], 4, bytes), 'xxxx')
})
