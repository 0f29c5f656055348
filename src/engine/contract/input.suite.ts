import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import type { AnySpec, Output } from '../component.ts'
import { defineOutput } from '../component.ts'
import { maxInFlightField } from '../common-fields.ts'
import { field } from '../fields.ts'
import { startStream, type Stream } from '../runtime/stream.ts'
import { orHung, type Rig, until } from './rig.ts'

/** A source with some messages in it, whose bodies are known. */
export interface InputTarget {
  /** The input as YAML on one line. */
  readonly config: string
  readonly more?: string
  /** What it delivers before it ends, or waits for more; in any order where `unordered`. */
  readonly bodies: readonly string[]
  readonly unordered?: boolean
  /** Makes what it delivers, once the stream runs; absent where it is there from the beginning. */
  feed?(): void | Promise<void>
  close?(): void | Promise<void>
}

/** How a suite gets at an input. */
export interface InputHarness {
  open(): InputTarget | Promise<InputTarget>
  /** Whether it ends by itself after its last message. */
  readonly ends: boolean
  /** Whether what is refused comes again; or why it does not. */
  readonly replays: true | { readonly never: string }
}

/** Tests that an input keeps the contract. */
export function inputContract(name: string, rig: Rig, harness: InputHarness): void {
  const property = (what: string, check: (target: InputTarget) => Promise<void>, skip?: string): void => {
    void test(`input ${name}: ${what}`, async context => {
      if (skip !== undefined) return context.skip(skip)
      const target = await harness.open()
      try {
        await check(target)
      } finally {
        await target.close?.()
      }
    })
  }

  property('every message arrives once', async target => {
    const taken: string[] = []
    const stream = await startInto(rig, target, body => void taken.push(body))
    await finish(rig, stream, harness, () => taken.length >= target.bodies.length)
    assert.deepEqual(inOrder(target, taken), inOrder(target, target.bodies))
  })

  const neverReplays = harness.replays === true ? undefined : harness.replays.never
  property(
    'what is refused comes again, and nothing else does',
    async target => {
      const taken: string[] = []
      const refused = target.bodies.at(-1)!
      let isRefused = false
      const stream = await startInto(rig, target, body => {
        if (body === refused && !isRefused) {
          isRefused = true
          throw new Error('refused')
        }
        taken.push(body)
      })
      await finish(rig, stream, harness, () => taken.length >= target.bodies.length)
      assert.deepEqual(taken.toSorted(), target.bodies.toSorted())
    },
    neverReplays,
  )

  property('it stops while it waits, and while nothing takes its messages', async target => {
    let isReached = false
    const stream = await startInto(rig, target, async (_, signal) => {
      isReached = true
      await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
      throw new Error('aborted')
    })
    await until(rig, () => isReached, 'a message reaches the output')
    await orHung(rig, stream.stop(300), 'the stream does not stop')
  })

  property('a destination that is slow holds it back', async target => {
    let underWay = 0
    let most = 0
    const stream = await startInto(rig, target, async () => {
      most = Math.max(most, ++underWay)
      await new Promise(resolve => setImmediate(resolve))
      underWay--
    })
    await finish(rig, stream, harness, () => underWay === 0 && most > 0)
    assert.equal(most, 1)
  })
}

async function startInto(
  rig: Rig,
  target: InputTarget,
  take: (body: string, signal: AbortSignal) => void | Promise<void>,
): Promise<Stream> {
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
  const registry = rig.registry.extended([taker] as unknown as AnySpec[])
  const config = `input: ${target.config}\noutput: { taker: {} }\n${target.more ?? ''}\n`
  const { host, http } = rig
  const stream = await startStream(config, { registry, host, http, clock: systemClock, log: nullLog })
  await target.feed?.()
  return stream
}

/** Waits for the end of an input that ends, else until `isDone` holds, and stops. */
async function finish(rig: Rig, stream: Stream, { ends }: InputHarness, isDone: () => boolean): Promise<void> {
  try {
    if (ends) await orHung(rig, stream.done, 'the stream does not end')
    else await until(rig, isDone, 'all messages arrive')
  } finally {
    await stream.stop(2000)
  }
}

function inOrder({ unordered }: InputTarget, bodies: readonly string[]): readonly string[] {
  return unordered === true ? bodies.toSorted() : bodies
}
