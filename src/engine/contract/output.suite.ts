import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unreachable } from '../../base/index.ts'
import { defineOutput } from '../component.ts'
import { field } from '../fields.ts'
import type { ComponentHost } from '../host.ts'
import { bodies, orHung, type Property, type Rig, run, type RunOptions, start, until } from './rig.ts'

/** A destination that a suite can inspect and break. Bodies are short texts. */
export interface OutputTarget {
  /** The output as YAML on one line: `{ file: { path: … } }`. Includes `max_in_flight` if the output has that field. */
  config(maxInFlight?: number): string
  /** What the configuration needs besides the output: resources. */
  readonly more?: string
  /** The host of the stream, if it is not the suite's. */
  readonly host?: ComponentHost
  /** Specs that the configuration needs in addition to the registry's. */
  readonly specs?: readonly unknown[]
  /** The bodies that arrived, in order. */
  readonly delivered?: () => readonly string[] | Promise<readonly string[]>
  /** A body that the destination always rejects. */
  readonly poison?: string
  /** Makes writes wait until {@link release}. */
  readonly hold?: () => void
  readonly release?: () => void
  /** Number of waiting writes. */
  readonly held?: () => number
  /** Cuts the connection, so that the next write finds it closed. */
  readonly cut?: () => void | Promise<void>
  close(): void | Promise<void>
}

/** How the suite creates outputs. */
export interface OutputHarness {
  open(): OutputTarget | Promise<OutputTarget>
  /** `one`: never more than one write in progress. `many`: as many as `max_in_flight` allows. */
  readonly inFlight: 'one' | 'many'
  /** Why delivered messages of a batch are written again, if so. */
  readonly repeatsBatches?: string
  /** Abilities that the output lacks, each with the reason. */
  readonly without?: Partial<Record<Ability, string>>
}

export type Ability = 'delivered' | 'poison' | 'hold' | 'cut'

interface Opened {
  readonly target: OutputTarget
  readonly harness: OutputHarness
}

/** Tests that an output keeps the contract. Call it once in the component's test file, with the output's name. */
export function outputContract(name: string, rig: Rig, harness: OutputHarness): void {
  for (const property of outputProperties) {
    test(`output ${name}: ${property.name}`, async context => {
      const target = await harness.open()
      try {
        const skipped = property.skipped?.({ target, harness })
        if (skipped !== undefined) return context.skip(skipped)
        await property.check({ target, harness }, rig)
      } finally {
        target.release?.()
        await target.close()
      }
    })
  }
}

const wrappers = ['fallback', 'drop_on', 'retry', 'reject_errored', 'switch'] as const
type Wrapper = (typeof wrappers)[number]

/** The properties that every output must have. */
export const outputProperties: readonly Property<Opened>[] = [
  {
    name: 'settles every message once',
    async check({ target }, rig) {
      const [singles, batch] = [bodies(20, 'a'), bodies(4, 'b')]
      const feeds = [
        { kind: 'run' as const, bodies: singles },
        { kind: 'batch' as const, bodies: batch },
      ]
      const source = await run(rig, { feeds, ...through(target) })
      assert.deepEqual([...source.answers.keys()].toSorted(), [...singles, ...batch])
      assert.deepEqual(source.settledTwice, [])
    },
  },
  {
    name: 'delivers and acknowledges single messages once',
    skipped: needs('delivered'),
    async check({ target }, rig) {
      const sent = bodies(100)
      const source = await run(rig, { feeds: [{ kind: 'run', bodies: sent }], ...through(target) })
      assert.deepEqual(source.bodies('delivered'), sent)
      assert.deepEqual((await target.delivered!()).toSorted(), sent)
    },
  },
  {
    name: 'delivers and acknowledges a batch once',
    skipped: needs('delivered'),
    async check({ target }, rig) {
      const sent = bodies(5)
      const source = await run(rig, { feeds: [{ kind: 'batch', bodies: sent }], ...through(target) })
      assert.deepEqual(source.bodies('delivered'), sent)
      assert.deepEqual((await target.delivered!()).toSorted(), sent)
    },
  },
  {
    name: 'preserves the order of messages with max_in_flight 1',
    skipped: needs('delivered'),
    async check({ target }, rig) {
      const sent = bodies(60)
      const feeds = [0, 20, 40].map(first => ({ kind: 'run' as const, bodies: sent.slice(first, first + 20) }))
      await run(rig, { feeds, ...through(target, 1) })
      assert.deepEqual(await target.delivered!(), sent)
    },
  },
  {
    name: 'rejects only the failed one of several single messages',
    skipped: needs('delivered', 'poison'),
    async check({ target }, rig) {
      const sent = withPoison(target, 12, 5)
      const source = await run(rig, { feeds: [{ kind: 'run', bodies: sent }], ...through(target) })
      await assertOnlyPoisonRejected(target, source, sent)
    },
  },
  {
    name: 'acknowledges exactly the messages of a batch that were delivered',
    skipped: opened => opened.harness.repeatsBatches ?? needs('delivered', 'poison')(opened),
    async check({ target }, rig) {
      const sent = withPoison(target, 6, 2)
      const source = await run(rig, { feeds: [{ kind: 'batch', bodies: sent }], ...through(target) })
      assert.deepEqual((await target.delivered!()).toSorted(), source.bodies('delivered'))
      assert.ok(source.bodies('rejected').includes(target.poison!))
      assert.deepEqual([...source.bodies('delivered'), ...source.bodies('rejected')].toSorted(), sent.toSorted())
    },
  },
  {
    name: 'retries rejected messages and no others',
    skipped: needs('delivered', 'poison'),
    async check({ target }, rig) {
      const sent = withPoison(target, 8, 3)
      const running = await start(rig, { feeds: [{ kind: 'run', bodies: sent }], ...through(target), replays: true })
      try {
        const good = sent.filter(body => body !== target.poison)
        await until(rig, () => running.source.bodies('delivered').length === good.length, 'the others are acknowledged')
        assert.deepEqual((await target.delivered!()).toSorted(), good)
        assert.ok(!running.source.answers.has(target.poison!))
      } finally {
        await running.stream.stop(200)
      }
    },
  },
  {
    name: 'keeps exactly max_in_flight writes in flight',
    skipped: needs('hold'),
    async check({ target, harness }, rig) {
      const wanted = harness.inFlight === 'many' ? 7 : 1
      target.hold!()
      const all = bodies(40)
      // One run, followed by single messages.
      const feeds = [all.slice(0, 20), ...all.slice(20).map(body => [body])].map(each => ({
        kind: 'run' as const,
        bodies: each,
      }))
      const running = await start(rig, { feeds, ...through(target, wanted) })
      await until(rig, () => target.held!() >= wanted, `${wanted} writes are in flight`)
      await settled()
      assert.equal(target.held!(), wanted)
      target.release!()
      await orHung(rig, running.stream.done, 'the stream does not end')
      assert.deepEqual(running.source.bodies('delivered'), all)
    },
  },
  {
    name: 'stops reading from the source while the destination is blocked',
    skipped: needs('hold'),
    async check({ target }, rig) {
      target.hold!()
      const feeds = bodies(400).map(body => ({ kind: 'run' as const, bodies: [body] }))
      const running = await start(rig, { feeds, ...through(target, 2) })
      await until(rig, () => target.held!() > 0, 'a write is in flight')
      await settled()
      assert.ok(running.source.readMessages < 100, `${running.source.readMessages} messages were read`)
      target.release!()
      await orHung(rig, running.stream.done, 'the stream does not end')
      assert.equal(running.source.bodies('delivered').length, 400)
    },
  },
  {
    name: 'writes the current batch again after a lost connection',
    skipped: needs('delivered', 'cut'),
    async check({ target }, rig) {
      const [before, after] = [bodies(3, 'a'), bodies(20, 'b')]
      const feeds = [{ kind: 'run' as const, bodies: before }]
      const { stream, source } = await start(rig, { feeds, ...through(target), stays: true })
      try {
        await until(rig, () => source.answers.size === before.length, 'the first messages are acknowledged')
        await target.cut!()
        source.push({ kind: 'run', bodies: after })
        await until(rig, () => source.answers.size === before.length + after.length, 'the others are acknowledged')
        assert.deepEqual(source.bodies('rejected'), [])
      } finally {
        await stream.stop(5000)
      }
      const arrived = new Set(await target.delivered!())
      assert.deepEqual(
        [...before, ...after].filter(body => !arrived.has(body)),
        [],
      )
    },
  },
  {
    name: 'a stop waits for writes in flight and acknowledges no lost message',
    skipped: needs('delivered', 'hold'),
    async check({ target }, rig) {
      target.hold!()
      const feeds = [{ kind: 'run' as const, bodies: bodies(30) }]
      const running = await start(rig, { feeds, ...through(target, 3), stays: true })
      await until(rig, () => target.held!() > 0, 'a write is in flight')
      const stopped = running.stream.stop(10_000)
      target.release!()
      await orHung(rig, stopped, 'the stream does not stop')
      const arrived = new Set(await target.delivered!())
      const lost = running.source.bodies('delivered').filter(body => !arrived.has(body))
      assert.deepEqual(lost, [])
      assert.ok(running.source.bodies('delivered').length > 0, 'the writes in flight are acknowledged')
      assert.deepEqual(running.source.settledTwice, [])
    },
  },
  {
    name: 'a stop gives up on a destination that hangs and acknowledges nothing',
    skipped: needs('hold'),
    async check({ target }, rig) {
      target.hold!()
      const running = await start(rig, {
        feeds: [{ kind: 'run', bodies: bodies(4) }],
        ...through(target, 2),
        stays: true,
      })
      await until(rig, () => target.held!() > 0, 'a write is in flight')
      await orHung(rig, running.stream.stop(300), 'the stream does not stop')
      assert.deepEqual(running.source.bodies('delivered'), [])
    },
  },
  ...wrappers.map(wrapper => ({
    name: `handles only the rejected message inside ${wrapper}`,
    skipped: needs('delivered', 'poison'),
    check: (opened: Opened, rig: Rig) => checkWrapped(opened.target, rig, wrapper),
  })),
  {
    name: 'inside fallback, only the rejected message moves on, with its error',
    skipped: needs('delivered', 'poison'),
    async check({ target }, rig) {
      const reasons: string[] = []
      const next = defineOutput({
        name: 'next',
        summary: 'Takes messages that another output rejected, for a suite.',
        config: field.anyObject('').default({}),
        create: () => ({
          write(batch) {
            for (const message of batch)
              reasons.push(`${message.text()}: ${String(message.metadata.get('fallback_error'))}`)
          },
        }),
      })
      const sent = withPoison(target, 9, 4)
      const options = through(target, undefined, own => `{ fallback: [ ${own}, { next: {} } ] }`)
      const specs = [...(options.specs ?? []), next]
      const source = await run(rig, { feeds: [{ kind: 'run', bodies: sent }], ...options, specs })
      assert.deepEqual(source.bodies('delivered'), sent.toSorted())
      assert.equal(reasons.length, 1)
      // The reason is a readable text, not the name of a class or field.
      assert.match(reasons[0]!.slice(target.poison!.length), /^: (?!undefined$|null$|\[object).{3,}/s)
    },
  },
  ...['fan_out_fail_fast', 'fan_out_sequential_fail_fast', 'round_robin', 'greedy'].map(pattern => ({
    name: `rejects only the failed message inside a broker with ${pattern}`,
    skipped: needs('delivered', 'poison'),
    async check({ target }: Opened, rig: Rig) {
      const sent = withPoison(target, 9, 4)
      const around = (own: string) => `{ broker: { pattern: ${pattern}, outputs: [ ${own} ] } }`
      const source = await run(rig, { feeds: [{ kind: 'run', bodies: sent }], ...through(target, undefined, around) })
      await assertOnlyPoisonRejected(target, source, sent)
    },
  })),
  ...['fan_out', 'fan_out_sequential'].map(pattern => ({
    name: `retries and never acknowledges a rejected message inside a broker with ${pattern}`,
    skipped: needs('delivered', 'poison'),
    async check({ target }: Opened, rig: Rig) {
      const sent = withPoison(target, 9, 8)
      const around = (own: string) => `{ broker: { pattern: ${pattern}, outputs: [ ${own} ] } }`
      const feeds = [{ kind: 'run' as const, bodies: sent }]
      const running = await start(rig, { feeds, ...through(target, 1, around), stays: true })
      await until(rig, () => running.source.bodies('delivered').length === 8, 'the messages before it are acknowledged')
      await running.stream.stop(300)
      assert.ok(!running.source.bodies('delivered').includes(target.poison!))
    },
  })),
]

/** One wrapper around the output, and the expected outcome of a rejected message. */
async function checkWrapped(target: OutputTarget, rig: Rig, wrapper: Wrapper): Promise<void> {
  const sent = withPoison(target, 9, 4)
  const rejecting = '{ reject: no }'
  const around = (own: string) => {
    switch (wrapper) {
      case 'fallback':
        return `{ fallback: [ ${own}, ${rejecting} ] }`
      case 'drop_on':
        return `{ drop_on: { error: true, output: ${own} } }`
      case 'retry':
        return `{ retry: { max_retries: 1, backoff: { initial_interval: 1ms, max_interval: 1ms }, output: ${own} } }`
      case 'reject_errored':
        return `{ reject_errored: ${own} }`
      case 'switch':
        return `{ switch: { cases: [ { check: 'true', output: ${own} }, { output: ${rejecting} } ] } }`
      default:
        return unreachable(wrapper)
    }
  }
  const source = await run(rig, { feeds: [{ kind: 'run', bodies: sent }], ...through(target, undefined, around) })
  if (wrapper !== 'drop_on') return await assertOnlyPoisonRejected(target, source, sent)
  assert.deepEqual(source.bodies('delivered'), sent.toSorted())
  assert.deepEqual((await target.delivered!()).toSorted(), good(target, sent))
}

async function assertOnlyPoisonRejected(
  target: OutputTarget,
  source: { bodies(outcome: 'delivered' | 'rejected'): readonly string[] },
  sent: readonly string[],
): Promise<void> {
  assert.deepEqual(source.bodies('rejected'), [target.poison])
  assert.deepEqual(source.bodies('delivered'), good(target, sent))
  assert.deepEqual((await target.delivered!()).toSorted(), good(target, sent))
}

function good(target: OutputTarget, sent: readonly string[]): readonly string[] {
  return sent.filter(body => body !== target.poison).toSorted()
}

/** Bodies of which one is rejected by the destination. */
function withPoison(target: OutputTarget, count: number, place: number): readonly string[] {
  return bodies(count).with(place, target.poison!)
}

/** A stream whose output is the target, possibly wrapped. */
function through(target: OutputTarget, maxInFlight?: number, around = (own: string) => own): Through {
  const own = target.config(maxInFlight)
  return { rest: `output: ${around(own)}\n${target.more ?? ''}`, specs: target.specs ?? [], host: target.host }
}

type Through = Pick<RunOptions, 'rest' | 'specs' | 'host'>

function needs(...abilities: readonly Ability[]): (opened: Opened) => string | undefined {
  return ({ target, harness }) => {
    const missing = abilities.find(ability => target[ability] === undefined)
    if (missing === undefined) return undefined
    const reason = harness.without?.[missing]
    assert.ok(reason !== undefined, `the harness says neither how to try '${missing}' nor why it cannot`)
    return reason
  }
}

/** Gives a fault time to show, by letting pending work start. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
}
