// A stream that is shutting down neither waits for work that it has no time for nor acknowledges it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { nullLog, systemClock } from '../../base/index.ts'
import {
  type Delivery,
  defineInput,
  defineOutput,
  deliverEach,
  field,
  Message,
  startStream,
} from '../../engine/index.ts'
import { createRegistry } from '../index.ts'
import { systemHost } from '../../host/index.ts'

interface Outcome {
  /** The messages that were delivered. */
  readonly delivered: readonly string[]
  /** The settlements of the input's single delivery: `acknowledged` or the reason of its rejection. */
  readonly heard: readonly string[]
}

interface Options {
  readonly messages?: readonly string[]
  readonly replays?: boolean
}

/**
 * Starts a stream that reads `messages` as one delivery and then waits, and stops it soon after. The grace period is so
 * long that a test whose stream uses it up never ends.
 */
async function stopped(rest: string, options: Options = {}): Promise<Outcome> {
  const { stream, delivered, heard, read } = await started(rest, options)
  await Promise.race([read, systemClock.sleep(100)])
  await systemClock.sleep(50)
  await stream.stop(3_600_000)
  return { delivered, heard }
}

/** Starts a stream like {@link stopped}. `read` resolves once it wants to read more. */
async function started(rest: string, { messages = ['1'], replays = true }: Options = {}) {
  const delivered: string[] = []
  const heard: string[] = []
  const read = Promise.withResolvers<void>()
  const input = defineInput({
    name: 'once',
    summary: 'One delivery.',
    config: field.anyObject('').default({}),
    replays,
    create: () => {
      let delivery: Delivery | null = deliverEach(
        messages.map(text => Message.fromBytes(Buffer.from(text))),
        (_, error) => void heard.push(error === null ? 'acknowledged' : error.message),
      )
      return {
        async read(signal) {
          const next = delivery
          delivery = null
          if (next !== null) return next
          read.resolve()
          await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
          return null
        },
      }
    },
  })
  const output = defineOutput({
    name: 'collect',
    summary: 'Keeps messages for a test.',
    config: field.anyObject('').default({}),
    create: () => ({ write: batch => void delivered.push(...batch.map(message => message.text())) }),
  })
  const registry = createRegistry().extended([input, output])
  const config = `input: { once: {} }\n${rest}`
  const options = { registry, host: systemHost, clock: systemClock, log: nullLog, parallelism: 4 }
  const stream = await startStream(config, options)
  return { stream, delivered, heard, read: read.promise }
}

const toCollect = 'output: { collect: {} }\n'
const sleeping = (duration: string) =>
  `pipeline: { processors: [ { sleep: { duration: ${duration} } } ] }\n${toCollect}`

test('a long sleep does not delay the shutdown', async () => {
  const { delivered, heard } = await stopped(sleeping('1h'))
  assert.deepEqual({ delivered, heard }, { delivered: [], heard: [] })
})

test('a sleep longer than the maximum of a timer is not cut short', async () => {
  const { delivered } = await stopped(sleeping('2000h'))
  assert.deepEqual(delivered, [])
})

test('a stream with one thread, which does not read while processing, also shuts down', async () => {
  const rest = `pipeline: { threads: 1, processors: [ { sleep: { duration: 500ms } } ] }\n${toCollect}`
  const { delivered, heard } = await stopped(rest)
  assert.deepEqual({ delivered, heard }, { delivered: ['1'], heard: ['acknowledged'] })
})

test('a sleep that ends within the timeout completes, and its message is delivered', async () => {
  const { delivered, heard } = await stopped(sleeping('500ms'))
  assert.deepEqual({ delivered, heard }, { delivered: ['1'], heard: ['acknowledged'] })
})

test('of the messages in a batch only those that finish in time are delivered and acknowledged', async () => {
  const rest = `pipeline: { processors: [ { sleep: { duration: '\${! content() }' } } ] }\n${toCollect}`
  const { delivered, heard } = await stopped(rest, { messages: ['300ms', '1h', '200ms'] })
  assert.deepEqual(
    { delivered: delivered.toSorted(), heard },
    {
      delivered: ['200ms', '300ms'],
      heard: ['acknowledged', 'acknowledged'],
    },
  )
})

test('an input notified of rejections is also notified of the shutdown', async () => {
  const { heard } = await stopped(sleeping('1h'), { replays: false })
  assert.deepEqual(heard, ['type was closed'])
})

test('no processor wrapped around the sleep lets the message continue', async () => {
  const sleep = 'sleep: { duration: 1h }'
  const processors = [
    `branch: { processors: [ { ${sleep} } ] }`,
    `cached: { cache: c, key: k, processors: [ { ${sleep} } ] }`,
    `workflow: { branches: { a: { processors: [ { ${sleep} } ] } } }`,
    `try: [ { ${sleep} } ]`,
    `switch: [ { processors: [ { ${sleep} } ] } ]`,
    `parallel: { processors: [ { ${sleep} } ] }`,
    `for_each: [ { ${sleep} } ]`,
    `while: { check: 'true', processors: [ { ${sleep} } ] }`,
    `retry: { processors: [ { ${sleep} } ] }`,
    // Jitter may halve the first interval.
    `retry: { backoff: { initial_interval: 10h, max_interval: 10h, max_elapsed_time: 0s }, processors: [ { mapping: 'root = throw("no")' } ] }`,
    `rate_limit: { resource: l }`,
  ]
  const resources = `cache_resources: [ { label: c, memory: {} } ]
rate_limit_resources: [ { label: l, local: { count: 1, interval: 1h } } ]
`
  for (const processor of processors) {
    const messages = processor.startsWith('rate_limit') ? ['1', '2'] : ['1']
    const rest = `pipeline: { threads: 1, processors: [ { ${processor} } ] }\n${toCollect}${resources}`
    const { delivered, heard } = await stopped(rest, { messages })
    const arrived = messages.slice(1).flatMap(() => ['1', 'acknowledged'])
    assert.deepEqual([...delivered, ...heard], arrived, processor)
  }
})

test('no wrapping output handles the rejection as a delivery failure', async () => {
  const slow = '{ collect: {}, processors: [ { sleep: { duration: 1h } } ] }'
  const outputs = [
    `fallback: [ ${slow}, { collect: {} } ]`,
    `retry: { output: ${slow} }`,
    `drop_on: { error: true, output: ${slow} }`,
    `broker: { outputs: [ ${slow} ] }`,
    `switch: { cases: [ { output: ${slow} }, { output: ${slow} } ] }`,
  ]
  for (const output of outputs) {
    const { delivered, heard } = await stopped(`output: { ${output} }\n`)
    assert.deepEqual({ delivered, heard }, { delivered: [], heard: [] }, output)
  }
})

test('messages behind a buffer get the full grace period, three quarters of the timeout', async context => {
  // On real timers, the test would have to measure how long the stop takes.
  const { timers } = context.mock
  timers.enable({ apis: ['setTimeout'] })
  const { stream, delivered, read } = await started(`buffer: { memory: {} }\n${sleeping('1h')}`)
  await read
  let hasStopped = false
  const stopping = stream.stop(1000).then(() => (hasStopped = true))
  timers.tick(749)
  // Without a buffer, the stream ends within a few turns of the event loop.
  for (let turn = 0; turn < 100; turn++) await setImmediate()
  assert.equal(hasStopped, false)
  timers.tick(1)
  await stopping
  assert.deepEqual(delivered, [])
})

test('messages that the stream retries are no longer retried once it shuts down', async () => {
  const rest = `error_handling: { strategy: retry }\n${sleeping('1h')}`
  const { delivered, heard } = await stopped(rest)
  assert.deepEqual({ delivered, heard }, { delivered: [], heard: [] })
})
