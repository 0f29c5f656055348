import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import type { Batch } from '../batch.ts'
import { deliverBatch } from '../delivery.ts'
import { Message } from '../message.ts'
import { MetricsStore } from '../metrics.ts'
import { PolicyBatcher } from './batcher.ts'
import { ProcessorChain } from './chain.ts'
import { OutputLayer } from './output-layer.ts'

const noProcessors = new ProcessorChain([])

test('messages do not accumulate when an output is slower than its batch period', async () => {
  const { metrics } = new MetricsStore()
  const sizes: number[] = []
  const slow = async (batch: Batch) => {
    await systemClock.sleep(40)
    sizes.push(batch.length)
  }
  const batcher = new PolicyBatcher(
    { count: 100, byte_size: 0, period: 1, jitter: 0, check: null, processors: undefined },
    noProcessors,
    systemClock,
    nullLog,
    metrics,
    Math.random,
  )
  const layer = new OutputLayer(
    { write: slow },
    {
      name: 'slow',
      log: nullLog,
      metrics,
      random: Math.random,
      monotonic: () => performance.now(),
      maxInFlight: 1,
      processors: noProcessors,
      batcher,
      quiet: false,
      composes: false,
      isDraining: () => false,
      onFull: () => undefined,
    },
  )
  let [accepted, acknowledged] = [0, 0]
  const end = performance.now() + 500
  while (performance.now() < end) {
    await layer.accept(deliverBatch([Message.fromText('x')], () => void acknowledged++))
    accepted++
    await systemClock.sleep(2)
  }
  // While one batch is being written, another one grows.
  assert.ok(accepted - acknowledged < 60, `${accepted - acknowledged} messages wait`)
  assert.ok(Math.max(...sizes) > 5, 'what waits is written together')
  await layer.flush()
  await layer.close()
})
