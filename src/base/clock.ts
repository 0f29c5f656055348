/** Source of time. Everything outside the rim receives a clock, so that a simulation can control it. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970-01-01T00:00Z. */
  now(): number
  /** Monotonic time in milliseconds, for measuring intervals. */
  monotonic(): number
  /** Resolves after `ms` milliseconds, or rejects with the signal's reason if it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal!.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    }),
}

/**
 * Waits for `ms` milliseconds or until the signal aborts, whichever comes first.
 * Never rejects: the caller checks the signal.
 */
export async function waitOrAbort(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
