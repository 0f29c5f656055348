import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../base/index.ts'
import { makeLog, severityOf, startStream } from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

test('the log is complete for one message before it mentions the next', async () => {
  const lines: string[] = []
  const log = makeLog(severityOf('INFO'), {}, (_level, message) => lines.push(message))
  const config = `
input: { generate: { count: 3, interval: '', mapping: 'root.n = counter()' } }
pipeline:
  processors:
    - log: { message: 'before \${! this.n }' }
    - mapping: root = throw("fails %v".format(this.n))
    - mapping: root = throw("again %v".format(this.n))
output: { drop: {} }
`
  const stream = await startStream(config, { registry: createRegistry(), host: systemHost, clock: systemClock, log })
  await stream.done
  const about = lines.map(line => /(?:before|fails|again) (\d)/.exec(line)).filter(match => match !== null)
  assert.deepEqual(
    about.map(([text]) => text),
    ['before 1', 'fails 1', 'again 1', 'before 2', 'fails 2', 'again 2', 'before 3', 'fails 3', 'again 3'],
  )
})
