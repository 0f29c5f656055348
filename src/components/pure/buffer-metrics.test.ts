import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { MetricsStore, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'

async function valuesOf(config: string): Promise<Readonly<Record<string, number>>> {
  const store = new MetricsStore()
  const options = { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog }
  const stream = await startStream(config, { ...options, metrics: store.metrics })
  await stream.done
  return Object.fromEntries(store.samples().map(({ name, value }) => [name, value]))
}

test('a buffer counts as received what it takes, neither batches that are too large nor those that spill over', async () => {
  // Batches of 2, 2 and 20 bytes, and a buffer of 15.
  const sizes = `root = if counter() < 5 { "x" } else { "0123456789" }`
  const tooLarge = await valuesOf(`input: { generate: { mapping: '${sizes}', count: 6, batch_size: 2, interval: '' } }
buffer: { memory: { limit: 15 } }
output: { drop: {} }`)
  assert.deepEqual([tooLarge['buffer_received'], tooLarge['buffer_batch_received']], [4, 2])
  // Nothing leaves the buffer before it has three messages or the input has ended; it has room for two.
  const spilt = await valuesOf(`input: { generate: { mapping: root = "0123456789", count: 5, interval: '' } }
buffer: { memory: { limit: 25, spillover: true, batch_policy: { enabled: true, count: 3 } } }
output: { drop: {} }`)
  assert.deepEqual([spilt['buffer_received'], spilt['buffer_batch_received'], spilt['buffer_spillover']], [2, 2, 30])
})

test('a buffer counts messages and batches in and out, and measures delivery latency', async () => {
  const store = new MetricsStore()
  const stream = await startStream(
    `input: { generate: { mapping: root = counter(), count: 6, batch_size: 2, interval: '' } }
buffer: { memory: {} }
output: { drop: {} }`,
    { registry: createRegistry(), host: systemHost, clock: systemClock, log: nullLog, metrics: store.metrics },
  )
  await stream.done
  const values = Object.fromEntries(store.samples().map(({ name, value }) => [name, value]))
  const { buffer_received, buffer_batch_received, buffer_sent, buffer_batch_sent, buffer_latency_ns } = values
  assert.deepEqual([buffer_received, buffer_batch_received], [6, 3])
  assert.deepEqual([buffer_sent, buffer_batch_sent, buffer_latency_ns], [6, 3, 3])
  const created = store.samples().filter(({ name }) => name === 'batch_created')
  assert.deepEqual(
    created.map(({ labels, value }) => [labels['path'], labels['mechanism'], value]),
    [
      ['root.buffer.batching', 'count', 3],
      ['root.buffer.batching', 'size', 0],
      ['root.buffer.batching', 'check', 0],
      ['root.buffer.batching', 'period', 0],
    ],
  )
})
