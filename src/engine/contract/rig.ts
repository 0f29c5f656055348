import assert from 'node:assert/strict'
import { nullLog, systemClock } from '../../base/index.ts'
import { type AnySpec, defineInput } from '../component.ts'
import { field } from '../fields.ts'
import type { ComponentHost } from '../host.ts'
import type { HttpHost } from '../http-host.ts'
import type { Registry } from '../registry.ts'
import { startStream, type Stream } from '../runtime/stream.ts'
import { type Feed, Source } from './source.ts'

/** The environment of the suites, provided by the components, because the engine knows none of them. */
export interface Rig {
  readonly registry: Registry
  readonly host: ComponentHost
  /** Where components register their HTTP endpoints. */
  readonly http: HttpHost
  /** Milliseconds after which something counts as hung: generous, because the machine may be busy. */
  readonly hungMs: number
}

/** A property that every component of a kind must have. */
export interface Property<T> {
  readonly name: string
  /** Why it cannot be tested for this component; undefined if it can. */
  readonly skipped?: (target: T) => string | undefined
  readonly check: (target: T, rig: Rig) => Promise<void>
}

/** A stream that reads a {@link Source}. */
export interface Running {
  readonly stream: Stream
  readonly source: Source
}

export interface RunOptions {
  readonly feeds: readonly Feed[]
  /** The configuration without its input. */
  readonly rest: string
  readonly specs?: readonly unknown[]
  readonly host?: ComponentHost | undefined
  /** Whether the source keeps running after its last delivery. */
  readonly stays?: boolean
  /** Whether the engine redelivers rejected messages. */
  readonly replays?: boolean
}

/** Starts a stream that reads a source of the suite. */
export async function start(rig: Rig, options: RunOptions): Promise<Running> {
  const { feeds, rest, specs = [], host = rig.host, stays = false, replays = false } = options
  const source = new Source(feeds, stays)
  const given = defineInput({
    name: 'given',
    summary: 'Delivers the messages of a suite.',
    config: field.anyObject('').default({}),
    replays,
    create: () => source,
  })
  // The registry holds specs of any config type.
  const registry = rig.registry.extended([given, ...specs] as unknown as AnySpec[])
  const config = `input: { given: {} }\n${rest}\n`
  const stream = await startStream(config, {
    registry,
    host,
    http: rig.http,
    clock: systemClock,
    log: nullLog,
    parallelism: 4,
  })
  return { stream, source }
}

/** Runs a stream to its end. */
export async function run(rig: Rig, options: RunOptions): Promise<Source> {
  const { stream, source } = await start(rig, options)
  try {
    await orHung(rig, stream.done, 'the stream does not end')
  } finally {
    await stream.stop(100)
  }
  return source
}

/** Waits until a condition holds; fails with `what`. */
export async function until({ hungMs }: Rig, holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endsAt = systemClock.monotonic() + hungMs
  while (!(await holds())) {
    if (systemClock.monotonic() > endsAt) assert.fail(`never: ${what}`)
    await systemClock.sleep(5)
  }
}

/** The result of `count` once it no longer changes, which means that everything has arrived. */
export async function atRest(rig: Rig, count: () => number): Promise<number> {
  let before: number | undefined
  await until(
    rig,
    async () => {
      if (before === count()) return true
      before = count()
      await systemClock.sleep(100)
      return false
    },
    'the count settles',
  )
  return count()
}

/** The value of a promise; rejects if the promise does not settle in time. */
export async function orHung<T>({ hungMs }: Rig, promise: Promise<T>, what: string): Promise<T> {
  const over = new AbortController()
  const hung = systemClock.sleep(hungMs, over.signal).then(() => {
    throw new Error(what)
  })
  hung.catch(() => undefined)
  try {
    return await Promise.race([promise, hung])
  } finally {
    over.abort()
  }
}

/** `m00`, `m01` … */
export function bodies(count: number, prefix = 'm'): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(3, '0')}`)
}
