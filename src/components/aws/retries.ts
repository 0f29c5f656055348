import { backoffField, backoffOf, type BackoffConfig, field, type Resources } from '../../engine/index.ts'

/** `max_retries` and `backoff`, as in the original's outputs that send many messages per request. */
export const retryFieldsOf = (maxRetries: number) => ({
  max_retries: field
    .int(
      'How often throttled or temporarily failed messages are resent; 0 means no limit other than that of `backoff`.',
    )
    .default(maxRetries)
    .advanced(),
  backoff: backoffField('The intervals between attempts.'),
})

export interface RetryConfig {
  readonly max_retries: number
  readonly backoff: BackoffConfig
}

/** Returns the successive pauses of {@link retryFieldsOf} in milliseconds, and undefined once the limit is reached. */
export function pausesOf(config: RetryConfig, resources: Resources): () => number | undefined {
  const backoff = backoffOf(config.backoff, resources)
  let retries = 0
  return () => (config.max_retries > 0 && retries++ >= config.max_retries ? undefined : backoff.next())
}

const throttled = /throttl|throughputexceeded|toomanyrequests|limitexceeded|slowdown|serviceunavailable/i

/** Whether an error's name indicates throttling. */
export function isThrottling(name: string | undefined): boolean {
  return name !== undefined && throttled.test(name)
}

/**
 * Whether the same request to AWS would fail again, because the error lies in the request rather than in the service or
 * the connection.
 */
export function isFinal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('$fault' in error)) return false
  const { name } = error as { readonly name?: string } // an exception of the SDK, which extends Error
  return error.$fault === 'client' && !('$retryable' in error && error.$retryable) && !isThrottling(name)
}
