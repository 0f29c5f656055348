// The console offers exactly those examples of config/ that a managed pipeline may run without a grant.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { LintThread } from '../../src/agent/index.ts'
import { managedExample } from '../../console/src/pages/pipelines/managed-example.ts'

const thread = new LintThread({ policy: { grants: [], ownPorts: [9080] } })
after(() => thread.close())

const root = join(import.meta.dirname, '../..')
const files = globSync('config/*.yaml', { cwd: root }).map(path => ({
  path,
  text: readFileSync(join(root, path), 'utf8'),
}))

test('every offered example can be saved unchanged', async () => {
  const offered = files.flatMap(({ path, text }) => managedExample(path, text) ?? [])
  assert.ok(offered.length >= 12, `${offered.length} of ${files.length}`)
  for (const { name, text } of offered) {
    assert.deepEqual((await thread.lint(text)).findings, [], `${name}\n${text}`)
    assert.doesNotMatch(text, /seed_brokers|\$\{[A-Z]|^tests:/m, name)
  }
})

test('examples that are not offered could not be saved', async () => {
  for (const { path, text } of files) {
    if (managedExample(path, text) !== undefined) continue
    assert.notDeepEqual((await thread.lint(text)).findings, [], path)
  }
})

test('an example has a name, a summary and the comments of its text', () => {
  const example = managedExample(
    'config/nats-to-kafka.yaml',
    `# Does something.
#   curl it
input:
  kafka_franz:
    seed_brokers: ["\${KAFKA:localhost:9092}"]
    topics: [a]
output:
  http_client:
    url: \${URL:http://localhost:8080/a}

tests:
  - name: one
`,
  )
  assert.deepEqual(example, {
    name: 'NATS to Kafka',
    note: 'Does something.',
    text: `#   curl it
input:
  kafka_franz_warpstream:
    topics: [a]
output:
  http_client:
    url: http://localhost:8080/a
`,
  })
})
