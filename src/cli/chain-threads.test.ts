// `pipeline.threads` above 1: the processors of a stream in separate threads.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../base/index.ts'
import {
  defineInput,
  defineOutput,
  deliverBatch,
  deliverEach,
  field,
  Message,
  MetricsStore,
  startStream,
} from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { chainThreadStarter } from './chain-threads.ts'
import { commandLineRegistry } from './registry.ts'

interface Outcome {
  /** The text, metadata `n` and error of each written message, by its number. */
  readonly written: readonly string[]
  readonly metrics: MetricsStore
  readonly started: number
  /** Deliveries processed by threads. */
  readonly answers: number
  readonly acknowledged: number
}

/**
 * Runs 60 deliveries of ten messages with 2 threads, of which this is one, until the source has ended. On its clock every chain except a
 * `cheap` one takes long. The source waits for the threads that were started.
 */
async function run(processors: string, { isCheap = false, asBatches = false, more = '' } = {}): Promise<Outcome> {
  const written: string[] = []
  let round = 0
  let started = 0
  let answers = 0
  const ready = Promise.withResolvers<void>()
  let acknowledged = 0
  const input = defineInput({
    name: 'given',
    summary: 'Numbers messages.',
    config: field.anyObject('').default({}),
    create: () => ({
      async read() {
        if (round === 60) return null
        if (started > 0) await ready.promise
        const first = round++ * 10
        const messages = Array.from({ length: 10 }, (_, index) =>
          Message.fromText(JSON.stringify({ n: first + index }), new Map([['n', `m${first + index}`]])),
        )
        if (asBatches) return deliverBatch(messages, error => void (acknowledged += error === null ? 10 : 0))
        return deliverEach(messages, (some, error) => void (acknowledged += error === null ? some.length : 0))
      },
    }),
  })
  const output = defineOutput({
    name: 'taken',
    summary: 'Keeps messages.',
    config: field.anyObject('').default({}),
    create: () => ({
      write(batch) {
        for (const message of batch) {
          const error = message.error === null ? '' : ` ${message.error.message}`
          written.push(`${message.text()} ${String(message.metadata.get('n'))}${error}`)
        }
      },
    }),
  })
  const metrics = new MetricsStore()
  const start = chainThreadStarter('')
  const stream = await startStream(
    `input: { given: {} }\npipeline:\n  threads: 2\n  processors:\n${processors}\noutput: { taken: {} }\n${more}`,
    {
      registry: commandLineRegistry().extended([input, output]),
      host: systemHost,
      clock: { ...systemClock, monotonic: () => systemClock.monotonic() * (isCheap ? 1e-9 : 1e9) },
      log: nullLog,
      metrics: metrics.metrics,
      startChainThread: config => {
        started++
        const thread = start(config)
        thread.on('message', ({ kind }: { readonly kind: string }) => {
          if (kind === 'answer') answers++
          if (kind === 'ready') setImmediate(ready.resolve)
        })
        return thread
      },
    },
  )
  await stream.done
  return { written: written.toSorted(byNumber), metrics, started, answers, acknowledged }
}

function byNumber(left: string, right: string): number {
  return Number(/"n":(\d+)/.exec(left)![1]) - Number(/"n":(\d+)/.exec(right)![1])
}

const mapped = (n: number) => `{"n":${n},"twice":${n * 2}} m${n}`

test('an expensive chain moves to threads, with the same result as in line', async () => {
  const { written, started, answers, acknowledged, metrics } = await run(`
    - mapping: |
        root.n = this.n
        root.twice = this.n * 2`)
  assert.equal(started, 1)
  assert.ok(answers > 0)
  assert.deepEqual(
    written,
    Array.from({ length: 600 }, (_, n) => mapped(n)),
  )
  assert.equal(acknowledged, 600)
  const processed = metrics.samples().find(({ name }) => name === 'processor_received')
  assert.deepEqual([processed?.value, processed?.labels['path']], [600, 'root.pipeline.processors.0'])
})

test('a failure in a thread flags its message, and dropped messages are acknowledged', async () => {
  const { written, started, acknowledged } = await run(`
    - mapping: |
        root = if this.n % 3 == 0 { deleted() } else if this.n % 3 == 1 { throw("one") } else { this }`)
  assert.equal(started, 1)
  assert.equal(written.length, 400)
  assert.ok(written.filter(text => text.endsWith('one')).length === 200)
  assert.equal(acknowledged, 600)
})

test('batches stay together, even when they are merged into one message', async () => {
  const { written, started, acknowledged, metrics } = await run(
    `
    - mapping: |
        root = this
    - archive: { format: json_array }
    - mapping: 'root.n = this.0.n
        
        root.count = this.length()'`,
    { asBatches: true },
  )
  assert.equal(started, 1)
  assert.deepEqual(
    written.map(text => text.replace(/ .*/, '')),
    Array.from({ length: 60 }, (_, batch) => `{"count":10,"n":${batch * 10}}`),
  )
  // As inline: an archive counts as the messages in it.
  assert.equal(metrics.samples().find(({ name }) => name === 'output_sent')?.value, 600)
  assert.equal(acknowledged, 600)
})

for (const [why, processors, more, isCheap] of [
  ['is cheap', '    - mapping: root = this', '', true],
  ['counts over all messages', `    - mapping: |\n        root.n = counter()`, '', false],
  [
    'uses a cache',
    `    - mapping: |\n        root = this\n    - cache: { resource: c, operator: set, key: k, value: v }`,
    'cache_resources: [ { label: c, memory: {} } ]',
    false,
  ],
  [
    'refuses failed messages by a strategy',
    `    - mapping: |\n        root = this`,
    'error_handling: { strategy: reject }',
    false,
  ],
] as const) {
  test(`a chain that ${why} stays in line`, async () => {
    const { started, acknowledged } = await run(processors, { more, isCheap })
    assert.equal(started, 0)
    assert.equal(acknowledged, 600)
  })
}
