import { type Log, nullLog, systemClock } from '../base/index.ts'
import { type AnySpec, type Batch, defineOutput, field, startStream } from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

/**
 * Runs a stream, given as YAML, until its input ends and everything was delivered. Its output `collect` hands each batch to
 * `accept`, which refuses one by throwing.
 */
export async function runCollecting(config: string, accept: (batch: Batch) => void, log: Log = nullLog): Promise<void> {
  const collect = defineOutput({
    name: 'collect',
    summary: 'Keeps messages for a test.',
    config: field.anyObject('').default({}),
    maxInFlight: 1,
    create: () => ({ write: accept }),
  })
  const registry = createRegistry().extended([collect as unknown as AnySpec])
  const stream = await startStream(config, { registry, host: systemHost, clock: systemClock, log })
  await stream.done
}
