import assert from 'node:assert/strict'

/**
 * Generous, in milliseconds: a passing test on a busy machine may need much of it, and only a failing one waits it out.
 */
const patienceMs = 240_000

/** Waits until a condition holds. After a time that no correct program needs, fails with the text of `state`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  state: () => unknown = () => '',
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `not within ${patienceMs / 1000} s: ${JSON.stringify(state())}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
