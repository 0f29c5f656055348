import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recorder } from './recorder.ts'
import { atRest, bodies, orHung, type Property, type Rig, run, start, until } from './rig.ts'
import type { Feed } from './source.ts'

/** A buffer as YAML, and how to clean up after it. */
export interface BufferTarget {
  /** The buffer on one line: `{ memory: {} }`. */
  readonly config: string
  /** Specs that the configuration needs in addition to the registry's. */
  readonly specs?: readonly unknown[]
  close?(): void
}

/** How the suite creates buffers. */
export interface BufferHarness {
  /** With room for about 1,000 messages of 10 bytes, if it has a limit. */
  open(): BufferTarget
  /**
   * When the source receives the acknowledgement: once the buffer has stored the messages, or once they are delivered.
   */
  readonly acknowledges: 'stored' | 'delivered'
  /** Whether messages held when the stream stops are delivered by the next stream; or why not. */
  readonly survives: true | { readonly never: string }
  /** Why the source gets no back-pressure, if so. */
  readonly unbounded?: string
  /** Why messages do not leave singly and in order, as they came. */
  readonly regroups?: string
  /** Why the last messages of an ended source may not be delivered. */
  readonly endsEarly?: string
  /** The same buffer, configured to make batches of `count` messages; absent if it cannot. */
  batching?(count: number): BufferTarget
}

/** Tests that a buffer keeps the contract. Call it once in the component's test file, with the buffer's name. */
export function bufferContract(name: string, rig: Rig, harness: BufferHarness): void {
  for (const property of bufferProperties) {
    test(`buffer ${name}: ${property.name}`, async context => {
      const skipped = property.skipped?.(harness)
      if (skipped !== undefined) return context.skip(skipped)
      await property.check(harness, rig)
    })
  }
}

/** The properties that every buffer must have. */
export const bufferProperties: readonly Property<BufferHarness>[] = [
  {
    name: 'delivers every message once and in order, and acknowledges it once',
    skipped: ({ regroups }) => regroups,
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const sent = bodies(300)
        const recorder = new Recorder({ takesRuns: false })
        const feeds: Feed[] = [
          { kind: 'run', bodies: sent.slice(0, 200) },
          { kind: 'batch', bodies: sent.slice(200, 220) },
          ...sent.slice(220).map(body => ({ kind: 'run' as const, bodies: [body] })),
        ]
        const source = await run(rig, { feeds, ...into(recorder, buffer) })
        assert.deepEqual(recorder.delivered(), sent)
        assert.deepEqual(source.bodies('delivered'), sent)
      }),
  },
  {
    name: 'delivers messages while the source stays open',
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const sent = bodies(30)
        const recorder = new Recorder({ takesRuns: false })
        const feeds: Feed[] = [{ kind: 'run', bodies: sent }]
        const { stream, source } = await start(rig, { feeds, ...into(recorder, buffer), stays: true })
        await until(rig, () => recorder.delivered().length >= sent.length, 'all messages arrive')
        await until(rig, () => source.answers.size === sent.length, 'all messages are acknowledged')
        await stream.stop(5000)
        assert.deepEqual(recorder.delivered().toSorted(), sent)
        assert.deepEqual(source.bodies('delivered'), sent)
        assert.deepEqual(source.settledTwice, [])
      }),
  },
  {
    name: 'passes on a run that is larger than the buffer',
    skipped: ({ regroups, endsEarly }) => endsEarly ?? regroups,
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const sent = bodies(5000)
        const recorder = new Recorder({ takesRuns: true })
        await run(rig, { feeds: [{ kind: 'run', bodies: sent }], ...into(recorder, buffer) })
        assert.deepEqual(recorder.delivered(), sent)
      }),
  },
  {
    name: 'redelivers rejected messages and loses none',
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const sent = bodies(20)
        const recorder = new Recorder({ takesRuns: false, rejectsFirst: sent.slice(3, 6) })
        const feeds: Feed[] = [
          { kind: 'run', bodies: sent.slice(0, 10) },
          { kind: 'batch', bodies: sent.slice(10) },
        ]
        const options = { feeds, ...into(recorder, buffer), stays: true, replays: true }
        const { stream, source } = await start(rig, options)
        await until(rig, () => new Set(recorder.delivered()).size === sent.length, 'all messages arrive')
        await until(rig, () => source.bodies('delivered').length === sent.length, 'all messages are acknowledged')
        await stream.stop(5000)
        assert.deepEqual(source.settledTwice, [])
      }),
  },
  {
    name: 'acknowledges messages once they are safe and not before',
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const sent = bodies(5)
        const recorder = new Recorder({ takesRuns: false })
        recorder.hold()
        const feeds: Feed[] = [{ kind: 'run', bodies: sent }]
        const { stream, source } = await start(rig, { feeds, ...into(recorder, buffer), stays: true })
        await until(rig, () => recorder.held() > 0, 'a write is in flight')
        if (harness.acknowledges === 'stored') {
          await until(rig, () => source.answers.size === sent.length, 'the messages are acknowledged')
        } else {
          assert.equal(source.answers.size, 0)
        }
        recorder.release()
        await until(rig, () => source.bodies('delivered').length === sent.length, 'the messages are acknowledged')
        await stream.stop(5000)
      }),
  },
  {
    name: 'stops reading from the source while the output is blocked',
    skipped: ({ unbounded }) => unbounded,
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const recorder = new Recorder({ takesRuns: false })
        recorder.hold()
        const feeds = Array.from({ length: 5000 }, (_, at) => ({ kind: 'run' as const, bodies: [`m${at + 100_000}`] }))
        const { stream, source } = await start(rig, { feeds, ...into(recorder, buffer) })
        await until(rig, () => recorder.held() > 0, 'a write is in flight')
        const count = await atRest(rig, () => source.readMessages)
        assert.ok(count < 3000, `${count} messages were read`)
        recorder.release()
        await orHung(rig, stream.done, 'the stream does not end')
        assert.equal(new Set(recorder.delivered()).size, 5000)
      }),
  },
  {
    name: 'a stop gives up on a destination that hangs',
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const recorder = new Recorder({ takesRuns: false })
        recorder.hold()
        const feeds: Feed[] = [{ kind: 'run', bodies: bodies(10) }]
        const { stream, source } = await start(rig, { feeds, ...into(recorder, buffer), stays: true })
        await until(rig, () => recorder.held() > 0, 'a write is in flight')
        await orHung(rig, stream.stop(300), 'the stream does not stop')
        if (harness.acknowledges === 'delivered') assert.deepEqual(source.bodies('delivered'), [])
        recorder.release()
      }),
  },
  {
    name: 'delivers messages that are left at a stop in the next stream',
    skipped: ({ survives }) => (survives === true ? undefined : survives.never),
    check: (harness, rig) =>
      using(harness.open(), async buffer => {
        const sent = bodies(50)
        const first = new Recorder({ takesRuns: false })
        first.hold()
        const feeds: Feed[] = [{ kind: 'run', bodies: sent }]
        const { stream, source } = await start(rig, { feeds, ...into(first, buffer), stays: true })
        await until(rig, () => source.bodies('delivered').length === sent.length, 'the buffer has all messages')
        await orHung(rig, stream.stop(300), 'the stream does not stop')
        first.release()
        const second = new Recorder({ takesRuns: false })
        const again = await start(rig, { feeds: [], ...into(second, buffer), stays: true })
        const arrived = () => new Set([...first.delivered(), ...second.delivered()])
        await until(rig, () => arrived().size === sent.length, 'the rest arrives')
        await again.stream.stop(5000)
      }),
  },
  {
    name: 'makes batches according to its policy',
    skipped: ({ batching }) => (batching === undefined ? 'it makes no batches by count' : undefined),
    check: (harness, rig) =>
      using(harness.batching!(4), async buffer => {
        const sent = bodies(10)
        const recorder = new Recorder({ takesRuns: false })
        const sizes =
          'pipeline: { threads: 1, processors: [ { mapping: \'root = content().string() + ":" + batch_size().string()\' } ] }\n'
        const { rest, specs } = into(recorder, buffer)
        const source = await run(rig, { feeds: [{ kind: 'run', bodies: sent }], rest: sizes + rest, specs })
        assert.deepEqual(
          recorder.delivered(),
          sent.map((body, at) => `${body}:${at < 8 ? 4 : 2}`),
        )
        assert.deepEqual(source.bodies('delivered'), sent)
      }),
  },
]

function into(recorder: Recorder, buffer: BufferTarget) {
  return {
    rest: `buffer: ${buffer.config}\noutput: ${recorder.config(1)}\n`,
    specs: [...recorder.specs, ...(buffer.specs ?? [])],
  }
}

async function using(target: BufferTarget, check: (target: BufferTarget) => Promise<void>): Promise<void> {
  try {
    await check(target)
  } finally {
    target.close?.()
  }
}
