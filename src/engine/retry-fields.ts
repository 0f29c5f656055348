import type { Resources } from './component.ts'
import { field, type Infer } from './fields.ts'
import { Backoff } from './runtime/backoff.ts'

/** Pauses between attempts, named as in the original. */
const backoffFields = {
  initial_interval: field
    .duration('The interval before the first retry; later ones grow up to `max_interval`.')
    .default('1s')
    .advanced(),
  max_interval: field.duration('The maximum interval between retries.').default('5s').advanced(),
  max_elapsed_time: field
    .duration('How long to retry before giving up; 0s means indefinitely.')
    .default('30s')
    .advanced(),
}

export const backoffField = (description: string) => field.object(backoffFields, description).optional().advanced()

export type BackoffConfig = Infer<ReturnType<typeof backoffField>>

const defaults = { initial_interval: 1000, max_interval: 5000, max_elapsed_time: 30_000 }

/** The backoff that a component's configuration asks for. */
export function backoffOf(config: BackoffConfig, { host }: Resources): Backoff {
  const {
    initial_interval: initialMs,
    max_interval: maxMs,
    max_elapsed_time: maxElapsedMs,
  } = { ...defaults, ...config }
  return new Backoff({ initialMs: initialMs ?? 1000, maxMs: maxMs ?? 5000, maxElapsedMs: maxElapsedMs ?? 0 }, () =>
    host.random(),
  )
}

/** Runs `attempt` until it succeeds, throws an error for which `isFinal` holds, or the backoff is exhausted. */
export async function withBackoff<T>(
  config: BackoffConfig,
  resources: Resources,
  attempt: () => Promise<T>,
  isFinal: (error: unknown) => boolean = () => false,
): Promise<T> {
  const backoff = backoffOf(config, resources)
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      const pauseMs = isFinal(error) ? undefined : backoff.next()
      if (pauseMs === undefined) throw error
      await resources.wait(pauseMs)
    }
  }
}
