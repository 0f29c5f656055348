import { Backoff, field, type Infer, type Resources } from '../../engine/index.ts'

/** Pauses between attempts, by the names of the original. */
const backoffFields = {
  initial_interval: field.duration('The first pause.').default('1s').advanced(),
  max_interval: field.duration('The longest pause.').default('5s').advanced(),
  max_elapsed_time: field.duration('When no further attempt is made.').default('30s').advanced(),
}

export const backoffField = (description: string) => field.object(backoffFields, description).optional().advanced()

type BackoffConfig = Infer<ReturnType<typeof backoffField>>

const defaults = { initial_interval: 1000, max_interval: 5000, max_elapsed_time: 30_000 }

/** The pauses that a component is configured to make. */
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

/** Runs `attempt` until it succeeds, fails with an error that `isFinal`, or the pauses are over. */
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

/** `max_retries` and `backoff`, as outputs of requests for many messages have them. */
export const retryFieldsOf = (maxRetries: number) => ({
  max_retries: field
    .int('How often what was throttled or failed for a while is sent again; 0 for no limit but that of `backoff`.')
    .default(maxRetries)
    .advanced(),
  backoff: backoffField('The pauses before it is sent again.'),
})

export interface RetryConfig {
  readonly max_retries: number
  readonly backoff: BackoffConfig
}

/** The pauses of {@link retryFieldsOf}, one after the other; undefined where it is enough. */
export function pausesOf(config: RetryConfig, resources: Resources): () => number | undefined {
  const backoff = backoffOf(config.backoff, resources)
  let retries = 0
  return () => (config.max_retries > 0 && retries++ >= config.max_retries ? undefined : backoff.next())
}

const throttled = /throttl|throughputexceeded|toomanyrequests|limitexceeded|slowdown|serviceunavailable/i

/** Whether an error's name says that the service had too much to do. */
export function isThrottling(name: string | undefined): boolean {
  return name !== undefined && throttled.test(name)
}

/** Whether the same request to AWS fails again: it is what is wrong, not the service nor the way there. */
export function isFinal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('$fault' in error)) return false
  const { name } = error as { readonly name?: string } // an exception of the SDK, which is an Error
  return error.$fault === 'client' && !('$retryable' in error && error.$retryable) && !isThrottling(name)
}
