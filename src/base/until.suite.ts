import assert from 'node:assert/strict'

/** Only a test that fails waits so long, in milliseconds; what it waits for may take much of it on a busy machine. */
const patienceMs = 240_000

/** Waits until something is so. Fails with what `state` tells after a time that no sound program needs. */
export async function until(isSo: () => boolean | Promise<boolean>, state: () => unknown = () => ''): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await isSo())) {
    assert.ok(performance.now() < deadline, `not within ${patienceMs / 1000} s: ${JSON.stringify(state())}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
