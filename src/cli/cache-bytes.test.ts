import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheBytes } from './cache-bytes.ts'

const MIB = 1024 * 1024

test('the caches of all processes take an eighth of the memory, each at least 256 MiB', () => {
  assert.equal(cacheBytes(1, 3200 * MIB), 400 * MIB)
  assert.equal(cacheBytes(2, 6400 * MIB), 400 * MIB)
  assert.equal(cacheBytes(1, 512 * MIB), 256 * MIB)
  assert.equal(cacheBytes(2, 64_000 * MIB), 4000 * MIB)
  assert.ok(cacheBytes(1) >= 256 * MIB)
})
