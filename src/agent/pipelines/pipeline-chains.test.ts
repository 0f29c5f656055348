import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { createRegistry } from '../../components/index.ts'
import {
  type AnySpec,
  type ChainThread,
  defineInput,
  defineOutput,
  deliverEach,
  field,
  loadConfig,
  Message,
  type Node,
  startStream,
} from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { PipelineChains } from './pipeline-chains.ts'
import type { PipelineFailure } from './thread-watch.ts'

/**
 * Runs a stream of numbered messages in this thread, with its processors in a thread of a managed pipeline, too. On its clock
 * every chain is expensive, and the source waits for the threads that were started.
 */
async function run(t: TestContext, mapping: string, silentMs = 60_000) {
  const limits = { memoryMb: 96, silentMs, graceMs: 2000 }
  const chains = new PipelineChains({ policy: { grants: [], ownPorts: [] }, niceness: 0, limits })
  const failed = Promise.withResolvers<PipelineFailure>()
  const ready = Promise.withResolvers<void>()
  const start = chains.starter(failed.resolve)
  const bodies: string[] = []
  const logged: string[] = []
  let threads = 0
  let round = 0
  const given = defineInput({
    name: 'given',
    summary: 'Numbers messages.',
    config: field.anyObject('').default({}),
    create: () => ({
      async read() {
        if (round === 40) return null
        if (threads > 0) await ready.promise
        // The last messages are for an idle thread, rather than for this one.
        while (round === 39 && bodies.length < 390) await systemClock.sleep(5)
        const first = round++ * 10
        return deliverEach(Array.from({ length: 10 }, (_, i) => Message.fromText(`{"n":${first + i}}`)))
      },
    }),
  })
  const taken = defineOutput({
    name: 'taken',
    summary: 'Keeps what arrives.',
    config: field.anyObject('').default({}),
    create: () => ({
      write(batch) {
        for (const message of batch) bodies.push(message.error?.message ?? message.text())
      },
    }),
  })
  const registry = createRegistry().extended([given, taken] as unknown as AnySpec[]) // as the registry holds all specs
  const text = `input: { given: {} }
pipeline: { threads: 2, processors: [ { mapping: ${JSON.stringify(mapping)} } ] }
output: { taken: {} }
`
  const stream = await startStream(await loadConfig(text, registry), {
    registry,
    host: systemHost,
    clock: { ...systemClock, monotonic: () => systemClock.monotonic() * 1e9 },
    log: { ...nullLog, error: message => void logged.push(message) },
    startChainThread: (config: Node): ChainThread => {
      threads++
      const thread = start(config)
      thread.on('message', ({ kind }) => kind === 'ready' && ready.resolve())
      thread.on('exit', () => ready.resolve())
      return thread
    },
  })
  t.after(() => stream.stop(0))
  return { done: stream.done, bodies, logged, chains, failure: failed.promise, threads: () => threads }
}

test('an expensive chain of a managed pipeline moves to threads and loses nothing', async t => {
  const { done, bodies, chains, threads } = await run(t, 'root.m = this.n * 2')
  await done
  assert.equal(threads(), 1)
  assert.deepEqual(bodies.toSorted(), Array.from({ length: 400 }, (_, n) => `{"m":${n * 2}}`).toSorted())
  assert.equal(chains.count, 0)
})

test('the threads are limited to the grants of managed pipelines', async t => {
  // The stream's own thread may read files, and does; the other threads do not start.
  const { done, bodies, logged } = await run(t, `root.n = file("${import.meta.filename}").length() > 0`)
  await done
  assert.match(logged[0] ?? '', /managed pipelines may not use the file/)
  assert.equal(bodies.length, 400)
})

test('a thread that does not respond fails its pipeline', async t => {
  const loop = 'range(0, 100000).map_each(i -> range(0, 10000).map_each(j -> i * j).sum()).sum()'
  const { failure } = await run(t, `root.w = if this.n == 399 { ${loop} }`, 500)
  assert.equal((await failure).code, 'unresponsive')
})

test('a thread that uses too much memory fails its pipeline', async t => {
  const leak = 'range(0, 100000).map_each(i -> ("x".repeat(100000) + i.string()).uppercase()).length()'
  const { failure } = await run(t, `root.w = if this.n == 399 { ${leak} }`)
  assert.equal((await failure).code, 'out_of_memory')
})
