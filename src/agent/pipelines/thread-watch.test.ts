import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeSilence, type Silence } from './thread-watch.ts'

const limits = { memoryMb: 100, silentMs: 10_000, graceMs: 5000 }
const mebibyte = 1024 * 1024

function judge(silence: Partial<Silence>): string | undefined {
  return judgeSilence({ silentMs: 0, cpuMs: 0, usedBytes: mebibyte, isStarting: false, ...silence }, limits)?.code
}

test('a thread that uses CPU time without a heartbeat is in a loop', () => {
  assert.equal(judge({ silentMs: 10_500, cpuMs: 9900 }), undefined)
  assert.equal(judge({ silentMs: 10_500, cpuMs: 10_000 }), 'unresponsive')
})

test('a thread that gets no CPU time is not stopped', () => {
  assert.equal(judge({ silentMs: 110_000, cpuMs: 900 }), undefined)
})

test('a blocked thread is stopped after a longer time', () => {
  assert.equal(judge({ silentMs: 120_000, cpuMs: 10 }), 'unresponsive')
})

test('a starting thread that waits for CPU time is not taken for a loop', () => {
  assert.equal(judge({ silentMs: 600_000, cpuMs: 59_000, isStarting: true }), undefined)
  assert.equal(judge({ silentMs: 60_000, cpuMs: 60_000, isStarting: true }), 'unresponsive')
})

test('a thread that uses too much memory is stopped immediately', () => {
  assert.equal(judge({ silentMs: 2000, usedBytes: 111 * mebibyte }), 'out_of_memory')
  assert.equal(judge({ silentMs: 2000, usedBytes: 111 * mebibyte, isStarting: true }), 'out_of_memory')
})

test('a thread that only collects garbage is out of memory', () => {
  assert.equal(judge({ silentMs: 11_000, cpuMs: 10_500, usedBytes: 80 * mebibyte }), 'out_of_memory')
})
