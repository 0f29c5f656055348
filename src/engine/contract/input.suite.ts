import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import { maxInFlightField } from '../common-fields.ts'
import { type AnySpec, defineOutput, type Output } from '../component.ts'
import { field } from '../fields.ts'
import type { ComponentHost } from '../host.ts'
import { MetricsStore } from '../metrics.ts'
import { startStream, type Stream } from '../runtime/stream.ts'
import { atRest, bodies, orHung, type Property, type Rig, until } from './rig.ts'

/** A source with messages whose bodies are known. */
export interface InputTarget {
  /** The input as YAML on one line. */
  readonly config: string
  readonly more?: string
  /** The host of the stream, if it is not the suite's. */
  readonly host?: ComponentHost
  /** Specs that the configuration needs in addition to the registry's. */
  readonly specs?: readonly unknown[]
  /** What it delivers before it ends or waits for more; in any order if `unordered`. */
  readonly bodies: readonly string[]
  readonly unordered?: boolean
  /** Produces the messages once the stream runs; absent if they exist from the beginning. */
  feed?(): void | Promise<void>
  /** Cuts the connection of the reading stream. */
  cut?(): void | Promise<void>
  /** How many messages the source has handed out; absent if the number that the engine read is the same. */
  handedOut?(): number
  close?(): void | Promise<void>
}

type Never = { readonly never: string }

/** How the suite creates inputs. */
export interface InputHarness {
  open(): InputTarget | Promise<InputTarget>
  /** Whether it ends on its own after its last message. */
  readonly ends: boolean
  /** Whether rejected messages are redelivered; or why not. */
  readonly replays: true | Never
  /** Whether nothing is lost with a connection, which the target can cut; or why that cannot be tested. */
  readonly reconnects: true | Never
  /** Whether messages that were undelivered when a stream stopped are delivered to the next stream; or why not. */
  readonly resumes: true | Never
  /** Set if messages that were delivered are not delivered to the next stream. */
  readonly remembers?: boolean
  /** The same source with these many messages, to measure read-ahead; absent if it cannot hold that many. */
  plenty?(texts: readonly string[]): InputTarget | Promise<InputTarget>
}

interface Opened {
  readonly target: InputTarget
  readonly harness: InputHarness
}

/** Tests that an input keeps the contract. Call it once in the component's test file, with the input's name. */
export function inputContract(name: string, rig: Rig, harness: InputHarness): void {
  for (const property of inputProperties) {
    test(`input ${name}: ${property.name}`, async context => {
      const skipped = property.skipped?.(harness)
      if (skipped !== undefined) return context.skip(skipped)
      await checkInput(property, rig, harness)
    })
  }
}

/** Checks one property on a fresh target. */
export async function checkInput(property: InputProperty, rig: Rig, harness: InputHarness): Promise<void> {
  const target = await (property.needsPlenty === true ? harness.plenty!(plenty) : harness.open())
  try {
    await property.check({ target, harness }, rig)
  } finally {
    await target.close?.()
  }
}

/**
 * The messages of a source that must not be read to its end: 2 MB, because some sources are read in blocks of 64 KiB.
 */
const plenty = bodies(
  20_000,
  'a line of some length, as they are in the logs of many a program, with a number at its end: ',
)
/** How many of them may be in flight. */
const READ_AHEAD = 10_000

interface InputProperty extends Omit<Property<Opened>, 'skipped'> {
  readonly skipped?: (harness: InputHarness) => string | undefined
  readonly needsPlenty?: boolean
}

/** The properties that every input must have. */
export const inputProperties: readonly InputProperty[] = [
  {
    name: 'delivers every message once and in order',
    async check({ target, harness }, rig) {
      const taken: string[] = []
      const { stream } = await startInto(rig, target, body => void taken.push(body))
      await finish(rig, stream, harness, () => taken.length >= target.bodies.length)
      assert.deepEqual(inOrder(target, taken), inOrder(target, target.bodies))
    },
  },
  {
    name: 'redelivers rejected messages and no others',
    skipped: ({ replays }) => reasonOf(replays),
    async check({ target, harness }, rig) {
      const taken: string[] = []
      const rejected = target.bodies.at(-1)!
      let isRejected = false
      const { stream } = await startInto(rig, target, body => {
        if (body === rejected && !isRejected) {
          isRejected = true
          throw new Error('rejected')
        }
        taken.push(body)
      })
      await finish(rig, stream, harness, () => taken.length >= target.bodies.length)
      assert.deepEqual(taken.toSorted(), target.bodies.toSorted())
    },
  },
  {
    name: 'stops while the output is blocked',
    async check({ target }, rig) {
      const held = holding()
      const { stream } = await startInto(rig, target, held.take)
      await until(rig, held.isReached, 'a message reaches the output')
      await orHung(rig, stream.stop(300), 'the stream does not stop')
    },
  },
  {
    name: 'stops immediately while waiting for messages',
    skipped: ({ ends }) => (ends ? 'it ends instead of waiting' : undefined),
    async check({ target }, rig) {
      const taken: string[] = []
      const { stream } = await startInto(rig, target, body => void taken.push(body))
      await until(rig, () => taken.length >= target.bodies.length, 'all messages arrive')
      // With this much time to stop, an input that does not end on its own counts as hung.
      await orHung(rig, stream.stop(rig.hungMs * 4), 'the stream does not stop on its own')
    },
  },
  {
    name: 'limits read-ahead while the output is blocked',
    skipped: ({ plenty }) => (plenty === undefined ? 'it has no source with that many messages' : undefined),
    needsPlenty: true,
    async check({ target }, rig) {
      const held = holding()
      const { stream, received } = await startInto(rig, target, held.take)
      await until(rig, held.isReached, 'a message reaches the output')
      const count = await atRest(rig, () => target.handedOut?.() ?? received())
      assert.ok(count > 0 && count <= READ_AHEAD, `${count} of ${plenty.length} messages were read`)
      await orHung(rig, stream.stop(300), 'the stream does not stop')
    },
  },
  {
    name: 'delivers messages in flight and later ones when the connection is lost',
    skipped: ({ reconnects }) => reasonOf(reconnects),
    check: (opened, rig) => checkCut(opened, rig, false),
  },
  {
    name: 'redelivers a message that is rejected after the connection was lost',
    skipped: ({ reconnects, replays }) => reasonOf(reconnects) ?? reasonOf(replays),
    check: (opened, rig) => checkCut(opened, rig, true),
  },
  {
    name: 'redelivers messages that were in flight at a stop to the next stream',
    skipped: ({ resumes }) => reasonOf(resumes),
    async check({ target, harness }, rig) {
      const held = holding()
      const first = await startInto(rig, target, held.take)
      await until(rig, held.isReached, 'a message reaches the output')
      await orHung(rig, first.stream.stop(300), 'the stream does not stop')
      const taken = new Set<string>()
      const second = await startInto(rig, { ...target, feed: undefined }, body => void taken.add(body))
      await finish(rig, second.stream, harness, () => taken.size >= target.bodies.length)
      assert.deepEqual([...taken].toSorted(), target.bodies.toSorted())
    },
  },
  {
    name: 'does not redeliver delivered messages to the next stream',
    skipped: ({ remembers }) => (remembers === true ? undefined : 'it starts over, or its source is gone'),
    async check({ target, harness }, rig) {
      const taken: string[] = []
      const first = await startInto(rig, target, body => void taken.push(body))
      await finish(rig, first.stream, harness, () => taken.length >= target.bodies.length)
      const again: string[] = []
      const second = await startInto(rig, { ...target, feed: undefined }, body => void again.push(body))
      await until(rig, () => second.stream.status.inputConnected, 'the second stream is connected')
      // No event signals the absence of messages; a source that still has some hands them out within this time.
      await systemClock.sleep(500)
      await second.stream.stop(2000)
      assert.deepEqual(again, [])
    },
  },
]

/** Cuts the connection while the first message is in flight, which is then delivered, or rejected once. */
async function checkCut({ target, harness }: Opened, rig: Rig, rejects: boolean): Promise<void> {
  const taken = new Set<string>()
  const { promise: cut, resolve: isCut } = Promise.withResolvers<void>()
  let isFirst = true
  let isReached = false
  const { stream } = await startInto(rig, target, async body => {
    if (isFirst) {
      isFirst = false
      isReached = true
      await cut
      if (rejects) throw new Error('rejected')
    }
    taken.add(body)
  })
  await until(rig, () => isReached, 'a message reaches the output')
  assert.ok(target.cut !== undefined, 'the target does not say how its connection is cut')
  await target.cut()
  isCut()
  await finish(rig, stream, harness, () => taken.size >= target.bodies.length)
  assert.deepEqual([...taken].toSorted(), target.bodies.toSorted())
}

/** A destination that accepts everything and never reports an outcome. */
function holding() {
  let isReached = false
  return {
    isReached: () => isReached,
    async take(_: string, signal: AbortSignal) {
      isReached = true
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      throw new Error('aborted')
    },
  }
}

/** A stream that reads a target, and the number of messages it has read. */
interface Reading {
  readonly stream: Stream
  readonly received: () => number
}

async function startInto(
  rig: Rig,
  target: Omit<InputTarget, 'feed'> & { readonly feed?: InputTarget['feed'] | undefined },
  take: (body: string, signal: AbortSignal) => void | Promise<void>,
): Promise<Reading> {
  const output: Output = {
    async write(batch, signal) {
      for (const message of batch) await take(message.text(), signal)
    },
  }
  const taker = defineOutput({
    name: 'taker',
    summary: 'Hands messages to a suite.',
    config: field.object({ max_in_flight: maxInFlightField(1) }),
    create: () => output,
  })
  // The registry holds specs of every configuration type and calls each with its own.
  const registry = rig.registry.extended([taker, ...(target.specs ?? [])] as unknown as AnySpec[])
  const config = `input: ${target.config}\noutput: { taker: {} }\n${target.more ?? ''}\n`
  const { host = rig.host } = target
  const metrics = new MetricsStore()
  const stream = await startStream(config, {
    registry,
    host,
    http: rig.http,
    metrics: metrics.metrics,
    clock: systemClock,
    log: nullLog,
  })
  await target.feed?.()
  return { stream, received: () => receivedOf(metrics) }
}

function receivedOf(metrics: MetricsStore): number {
  let sum = 0
  for (const sample of metrics.samples()) if (sample.name === 'input_received') sum += sample.value
  return sum
}

/** Waits until an input that ends has ended, otherwise until `isDone` holds, and stops the stream. */
async function finish(rig: Rig, stream: Stream, { ends }: InputHarness, isDone: () => boolean): Promise<void> {
  try {
    if (ends) await orHung(rig, stream.done, 'the stream does not end')
    else await until(rig, isDone, 'all messages arrive')
  } finally {
    await stream.stop(2000)
  }
}

function inOrder({ unordered }: InputTarget, texts: readonly string[]): readonly string[] {
  return unordered === true ? texts.toSorted() : texts
}

function reasonOf(promise: true | Never): string | undefined {
  return promise === true ? undefined : promise.never
}
