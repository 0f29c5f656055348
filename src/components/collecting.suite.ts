import type { TestContext } from 'node:test'
import { type Log, nullLog, systemClock } from '../base/index.ts'
import {
  type Batch,
  defineOutput,
  field,
  type HttpHost,
  makeLog,
  type Message,
  type Registry,
  severityOf,
  startStream,
  type Stream,
  type Tracer,
} from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

/**
 * Runs a stream, given as YAML, until its input ends and everything was delivered. Its output `collect` passes each
 * batch to `accept`, which rejects one by throwing.
 */
export async function runCollecting(config: string, accept: (batch: Batch) => void, log: Log = nullLog): Promise<void> {
  const registry = registryWith(accept)
  const stream = await startStream(config, { registry, host: systemHost, clock: systemClock, log })
  await stream.done
}

/** A running stream, what it delivered, and what it logged. */
export interface Collecting {
  readonly stream: Stream
  readonly messages: readonly Message[]
  readonly texts: readonly string[]
  readonly batches: readonly Batch[]
  readonly log: readonly string[]
  /** Resolves once a condition holds. */
  until(holds: (collecting: Collecting) => boolean): Promise<void>
}

/** Starts a stream whose output, unless it has one, stores what it receives. It is stopped at the end of the test. */
export async function startCollecting(
  t: TestContext,
  config: string,
  more: { readonly http?: HttpHost; readonly tracer?: Tracer | null } = {},
): Promise<Collecting> {
  const batches: Batch[] = []
  const log: string[] = []
  const registry = registryWith(batch => void batches.push(batch))
  const text = /^output:/m.test(config) ? config : `${config}\noutput: { collect: {} }\n`
  const stream = await startStream(text, {
    registry,
    host: systemHost,
    clock: systemClock,
    log: makeLog(severityOf('ALL'), {}, (level, message) => void log.push(`${level}: ${message}`)),
    ...more,
  })
  t.after(() => stream.stop(500))
  const collecting: Collecting = {
    stream,
    batches,
    log,
    get messages() {
      return batches.flat()
    },
    get texts() {
      return batches.flat().map(message => message.text())
    },
    async until(holds) {
      while (!holds(collecting)) await systemClock.sleep(5)
    },
  }
  return collecting
}

function registryWith(accept: (batch: Batch) => void): Registry {
  const collect = defineOutput({
    name: 'collect',
    summary: 'Keeps messages for a test.',
    config: field.anyObject('').default({}),
    maxInFlight: 1,
    create: () => ({ write: accept }),
  })
  return createRegistry().extended([collect])
}
