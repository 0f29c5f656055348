/** Runs a function with a signal that also aborts after `timeoutMs`; the error then says that it took too long. */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number | undefined,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return run(signal)
  // A dedicated controller, because `AbortSignal.any` leaves weak references behind for each call.
  const own = new AbortController()
  const abort = () => own.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  let isOver = false
  const timer = setTimeout(() => {
    isOver = true
    own.abort()
  }, timeoutMs)
  try {
    return await run(own.signal)
  } catch (error) {
    if (!isOver) throw error
    throw new Error(`${what} took longer than the timeout of ${timeoutMs} ms`, { cause: error })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}
