import assert from 'node:assert/strict'
import test from 'node:test'
import { findingsOf } from './rim.ts'

test('reports clocks, random numbers, the environment and timers inside the rim', () => {
  const code = 'const now = Date.now()\nsetTimeout(() => Math.random(), 1)\nread(process.env.HOME)\n'
  assert.equal(findingsOf('src/metadata/plan.ts', code).length, 4)
  assert.deepEqual(findingsOf('src/base/clock.ts', code), [])
})

test("reports work in the system's threads, which a simulation cannot time", () => {
  assert.equal(findingsOf('src/broker/log/merging.ts', 'const compress = promisify(gzip)').length, 1)
  assert.deepEqual(findingsOf('src/broker/log/manifest.ts', 'const compress = promisify(gzip)'), [])
})

test('a file that may wait must not read the clock; comments do not count', () => {
  assert.equal(findingsOf('src/control/relay.ts', 'setTimeout(end, 1); Date.now()').length, 1)
  assert.deepEqual(findingsOf('src/metadata/plan.ts', '// Date.now() is refused\nsocket.setTimeout(1)\n'), [])
})
