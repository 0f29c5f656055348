/** Runs something with a signal that also aborts after `timeoutMs`; its error says then that it took too long. */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number | undefined,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (timeoutMs === undefined) return run(signal)
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    return await run(AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error
    throw new Error(`${what} took longer than the timeout of ${timeoutMs} ms`, { cause: error })
  }
}
