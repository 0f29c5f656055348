import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import type { Batch } from '../batch.ts'
import { deliverBatch } from '../delivery.ts'
import { type Output, NotConnectedError } from '../component.ts'
import { Message } from '../message.ts'
import { MetricsStore } from '../metrics.ts'
import { PolicyBatcher } from './batcher.ts'
import { ProcessorChain } from './chain.ts'
import { OutputLayer, type OutputLayerOptions } from './output-layer.ts'

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
  const layer = layerOf({ write: slow }, { metrics, batcher })
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

test('a destination that accepts connections and drops them is connected to again after pauses', async t => {
  // With real timers only the time would tell whether there was a pause.
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const errors: string[] = []
  let writes = 0
  const layer = layerOf(
    {
      connect: () => undefined,
      write: async () => {
        if (++writes < 5) throw new NotConnectedError()
      },
    },
    { log: { ...nullLog, error: text => void errors.push(text) } },
  )
  layer.start()
  let acknowledged = 0
  await layer.accept(deliverBatch([Message.fromText('x')], () => void acknowledged++))
  for (const [total, done] of [
    [2, 0],
    [3, 0],
    [4, 0],
    [5, 1],
  ]) {
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual([writes, acknowledged], [total, done])
    // Longer than any pause.
    t.mock.timers.tick(1500)
  }
  assert.deepEqual(errors, Array(4).fill('Lost the connection to test before it took a message'))
  await layer.close()
})

function layerOf(output: Output, changes: Partial<OutputLayerOptions>): OutputLayer {
  return new OutputLayer(output, {
    name: 'test',
    log: nullLog,
    metrics: new MetricsStore().metrics,
    random: Math.random,
    monotonic: () => performance.now(),
    maxInFlight: 1,
    processors: noProcessors,
    batcher: undefined,
    quiet: false,
    composes: false,
    isDraining: () => false,
    onFull: () => undefined,
    ...changes,
  })
}
