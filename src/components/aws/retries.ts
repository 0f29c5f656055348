import { backoffField, backoffOf, type BackoffConfig, field, type Resources } from '../../engine/index.ts'

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
