import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { StreamEnd, StreamListener } from './pipeline-thread.ts'
import type { Sharing } from './sharing.ts'
import { ThreadPool } from './thread-pool.ts'

// The grace period is so long that a test whose stream uses it up never ends.
const limits = { memoryMb: 96, silentMs: 3000, graceMs: 3_600_000 }
const pool = new ThreadPool({ policy: { grants: [], ownPorts: [] } }, limits)
const stop = new AbortController()
after(() => stop.abort())

const quiet = 'input:\n  generate:\n    interval: 10ms\n    mapping: root = "x"\noutput:\n  drop: {}\n'
const withProcessor = (processor: string) =>
  `input:\n  generate:\n    count: 1\n    interval: ""\n    mapping: root = "x"\npipeline:\n  processors:\n    - ${processor}\noutput:\n  drop: {}\n`
const loop = withProcessor('while: { check: "true", processors: [ { mapping: root = content().string() } ] }')
const leak = withProcessor(
  `mapping: 'root = range(0, 100000).map_each(i -> ("x".repeat(100000) + i.string()).uppercase())'`,
)
const once = withProcessor('noop: {}')
const broken = 'input:\n  generate:\n    mapping: root = 1\noutput:\n  resource: nowhere\n'

let streams = 0

/** Runs a stream, and records what it sent. The test chooses its thread, whatever the configuration would require. */
function run(streamText: string, sharing: Sharing, signal: AbortSignal = stop.signal) {
  let sent = 0
  let wake = () => {}
  const listener: StreamListener = {
    onStarted: () => {},
    onPulse({ counters }) {
      sent = counters.output_sent
      wake()
    },
    onEndpoints: () => {},
    onOutput: () => {},
  }
  const stream = `stream-${++streams}`
  const order = {
    streamText,
    seedBroker: '127.0.0.1:1',
    clientId: 'test',
    clientIdSuffix: '',
    isEncrypted: false,
    login: undefined,
    exactlyOnce: false,
    socketPath: `/tmp/${stream}.sock`,
  }
  return {
    end: pool.run(stream, stream, sharing, order, listener, signal),
    /** Resolves when it has sent more than before the call. */
    async sendsMore(): Promise<void> {
      const before = sent
      while (sent <= before) await new Promise<void>(resolve => (wake = resolve))
    },
  }
}

const codeOf = (end: StreamEnd) => (end.kind === 'failed' ? end.code : end.kind)

test('a loop and a leak end their own threads, and the other threads continue', async () => {
  const leaving = new AbortController()
  const neighbours = [run(quiet, 'together', leaving.signal), run(quiet, 'together', leaving.signal)]
  const [looping, leaking] = [run(loop, 'alone'), run(leak, 'alone')]
  assert.equal(codeOf(await looping.end), 'unresponsive')
  // If the collector gets little time on a busy machine, the processor time that it takes is noticed first.
  assert.match(codeOf(await leaking.end), /^(out_of_memory|unresponsive)$/)
  for (const neighbour of neighbours) await neighbour.sendsMore()
  leaving.abort()
  for (const neighbour of neighbours) assert.equal(codeOf(await neighbour.end), 'ended')
})

test('a loop in a shared thread displaces every pipeline there, and is blamed once it runs alone', async () => {
  const neighbour = run(quiet, 'together')
  await neighbour.sendsMore()
  const looping = run(loop, 'together')
  assert.equal(codeOf(await looping.end), 'displaced')
  assert.equal(codeOf(await neighbour.end), 'displaced')
  assert.equal(codeOf(await run(loop, 'alone').end), 'unresponsive')
})

test('a leak in a shared thread displaces every pipeline there', async () => {
  const neighbour = run(quiet, 'together')
  await neighbour.sendsMore()
  assert.equal(codeOf(await run(leak, 'together').end), 'displaced')
  assert.equal(codeOf(await neighbour.end), 'displaced')
})

test('a loop that is alone in a shared thread is blamed immediately', async () => {
  assert.equal(codeOf(await run(loop, 'together').end), 'unresponsive')
})

test('a pipeline that completes, is stopped or cannot start does not affect the others in its thread', async () => {
  const leaving = new AbortController()
  const staying = run(quiet, 'together', leaving.signal)
  await staying.sendsMore()
  assert.equal(codeOf(await run(once, 'together').end), 'ended')
  assert.equal(codeOf(await run(broken, 'together').end), 'configuration')
  const stopping = new AbortController()
  const stopped = run(quiet, 'together', stopping.signal)
  await stopped.sendsMore()
  stopping.abort()
  assert.equal(codeOf(await stopped.end), 'ended')
  await staying.sendsMore()
  leaving.abort()
  assert.equal(codeOf(await staying.end), 'ended')
})

test('a message in a sleep does not delay the stop of its pipeline', async () => {
  const stopping = new AbortController()
  const text = withProcessor("sleep: { duration: '${! content() }' }")
    .replace('count: 1', 'count: 2')
    .replace('root = "x"', `'root = if count("thread-pool") == 1 { "1ms" } else { "1h" }'`)
  const sleeping = run(text, 'together', stopping.signal)
  await sleeping.sendsMore()
  stopping.abort()
  assert.equal(codeOf(await sleeping.end), 'ended')
})
