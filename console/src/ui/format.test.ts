import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAgo, formatBytes, formatDuration, formatPlural, formatRate, formatShort } from './format.ts'

test('formats numbers briefly and with their unit', () => {
  assert.equal(formatBytes(0), '0 B')
  assert.equal(formatBytes(1536), '1.5 KiB')
  assert.equal(formatBytes(300 * 1024 * 1024), '300 MiB')
  assert.equal(formatShort(9_999), '9,999')
  assert.equal(formatShort(12_345), '12.3K')
  assert.equal(formatRate(0), '0')
  assert.equal(formatRate(0.01), '<0.1')
  assert.equal(formatRate(1), '1')
  assert.equal(formatPlural(1, 'topic'), '1 topic')
  assert.equal(formatPlural(0, 'topic'), '0 topics')
})

test('formats durations in their one or two largest units', () => {
  assert.equal(formatDuration(-5), '0s')
  assert.equal(formatDuration(200_000), '3m 20s')
  assert.equal(formatDuration(3_600_000 * 5 + 120_000), '5h 2m')
  assert.equal(formatDuration(86_400_000 * 12), '12d')
})

test('a time slightly ahead of the local clock is shown as just now', () => {
  const now = Date.parse('2026-11-23T12:00:00Z')
  assert.equal(formatAgo('2026-11-23T12:00:02Z', now), 'just now')
  assert.equal(formatAgo('2026-11-23T11:55:00Z', now), '5m ago')
})
