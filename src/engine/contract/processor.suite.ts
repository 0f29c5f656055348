import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recorder } from './recorder.ts'
import { type Rig, run } from './rig.ts'
import type { Feed } from './source.ts'

/** A processor as YAML, and a body that makes it fail. */
export interface ProcessorHarness {
  /** The processor on one line: `{ mapping: root = this }`. */
  readonly config: string
  /** What the configuration needs besides the processor: resources. */
  readonly more?: string
  /** A body for which it flags an error; or why nothing can fail. */
  readonly failing: string | { readonly never: string }
  /** Bodies that it accepts; defaults to documents with an `id`. */
  readonly bodies?: readonly string[]
  /** Why its results differ between runs, if so. */
  readonly varies?: string
  /** Called before each stream. */
  readonly prepare?: () => void
}

/** Tests that a processor keeps the contract. */
export function processorContract(name: string, rig: Rig, harness: ProcessorHarness): void {
  const good = harness.bodies ?? Array.from({ length: 8 }, (_, index) => `{"id":"m${index}"}`)

  test(`processor ${name}: settles every message once`, async () => {
    const feeds: readonly Feed[] = [
      { kind: 'run', bodies: good },
      { kind: 'batch', bodies: good.map(body => `${body} `) },
    ]
    const { source } = await processed(rig, harness, feeds)
    assert.deepEqual(source.settledTwice, [])
    assert.equal(source.answers.size, 2 * good.length)
    assert.deepEqual(source.bodies('rejected'), [])
  })

  test(`processor ${name}: processes a run of messages like single messages`, async context => {
    if (harness.varies !== undefined) return context.skip(harness.varies)
    const together = await processed(rig, harness, [{ kind: 'run', bodies: good }])
    const alone = await processed(
      rig,
      harness,
      good.map(body => ({ kind: 'batch' as const, bodies: [body] })),
    )
    assert.deepEqual(together.results, alone.results)
  })

  test(`processor ${name}: flags the error only on the message that fails`, async context => {
    const { failing } = harness
    if (typeof failing !== 'string') return context.skip(failing.never)
    const bodies = good.toSpliced(3, 0, failing)
    const judge = ', { mapping: \'root = if errored() { "failed: " + error() } else { "fine" }\' }'
    for (const feeds of [
      [{ kind: 'run' as const, bodies }],
      bodies.map(body => ({ kind: 'batch' as const, bodies: [body] })),
    ]) {
      const { results, source } = await processed(rig, harness, feeds, judge)
      assert.equal(results.filter(result => result.startsWith('failed: ')).length, 1, results.join('\n'))
      assert.deepEqual(source.bodies('rejected'), [])
    }
  })

  test(`processor ${name}: rejects at the source only what the output rejects`, async () => {
    const marked = ', { mapping: \'root = if batch_index() == 0 && content().string().contains("m3") { "poison" }\' }'
    const { source } = await processed(rig, harness, [{ kind: 'run', bodies: good }], marked)
    for (const body of source.bodies('rejected')) assert.ok(body.includes('m3'), body)
    assert.equal(source.answers.size, good.length)
  })
}

async function processed(rig: Rig, harness: ProcessorHarness, feeds: readonly Feed[], behind = '') {
  harness.prepare?.()
  const recorder = new Recorder({ takesRuns: false })
  const rest = `pipeline: { threads: 1, processors: [ ${harness.config}${behind} ] }\noutput: ${recorder.config(1)}\n${harness.more ?? ''}`
  const source = await run(rig, { feeds, rest, specs: recorder.specs })
  return { source, results: recorder.delivered() }
}
