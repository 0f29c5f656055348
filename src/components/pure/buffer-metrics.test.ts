import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { MetricsStore, startStream } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { createRegistry } from '../index.ts'

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
