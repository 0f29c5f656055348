import assert from 'node:assert/strict'
import process from 'node:process'
import { after, test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { LintThread } from './lint-thread.ts'

const policy = { grants: [], ownPorts: [9080] }
const thread = new LintThread({ policy })
after(() => thread.close())

async function lint(yaml: string): Promise<string[]> {
  const { findings } = await thread.lint(yaml)
  return findings.map(({ line, column, level, message }) => `${level} ${line}:${column} ${message}`)
}

const output = 'output:\n  kafka_franz_warpstream:\n    topic: t\n'

test('kafka_franz_warpstream needs no seed brokers, at any depth, and has the fields of kafka_franz', async () => {
  assert.deepEqual(
    await lint(`input:\n  kafka_franz_warpstream:\n    topics: [ a ]\n    consumer_group: g\n${output}`),
    [],
  )
  const nested = `input:
  broker:
    inputs:
      - kafka_franz_warpstream:
          topics: [ a ]
output:
  switch:
    cases:
      - output:
          fallback:
            - retry:
                output:
                  kafka_franz_warpstream:
                    topic: t
                    tpoic: u
`
  assert.deepEqual(await lint(nested), ['error 15:21 field tpoic not recognised'])
})

test('reports findings in the order of the text, including those of the warpstream block', async () => {
  const yaml = `warpstream:\n  grup: a\ninput:\n  generate:\n    mapping: root = 1\n    cuont: 1\n${output}`
  assert.deepEqual(await lint(yaml), ['error 2:3 field grup not recognised', 'error 6:5 field cuont not recognised'])
})

test('reports the position of text that is not YAML', async () => {
  const [first] = await lint('input:\n  generate: {\noutput: {}\n')
  assert.match(first!, /^error [34]:/)
  assert.deepEqual(await lint('  \n'), ['error 1:1 the configuration is empty'])
})

test('refuses what is not granted, with its position and the grant that would allow it', async () => {
  assert.deepEqual(await lint(`input:\n  file:\n    paths: [ /etc/passwd ]\n${output}`), [
    "error 3:14 managed pipelines may not use the file /etc/passwd (the agent's flag -pipelinesGrant files=/etc allows it)",
  ])
  const [variable] = await lint(`input:\n  generate:\n    mapping: root = "\${HOME}"\n${output}`)
  assert.match(variable!, /HOME/)
})

test('only warns of settings that apply to a standalone program', async () => {
  const found = await lint(`http:\n  enabled: false\ninput:\n  generate:\n    mapping: root = 1\n${output}`)
  assert.equal(found.length, 1)
  assert.match(found[0]!, /^warning 1:1 http has no effect/)
})

test('a check that ends its thread fails alone: the other checks run in another thread', async () => {
  const other = new LintThread({ policy })
  after(() => other.close())
  const threads: Worker[] = []
  const note = (worker: Worker) => threads.push(worker)
  process.on('worker', note)
  const generate = (mapping: string) => `input:\n  generate:\n    mapping: ${mapping}\n${output}`
  const checks = [
    other.lint(generate('root = 1')),
    other.lint(generate('root = 2')),
    other.lint(`inptu: {}\n${generate('root = 3')}`),
  ]
  await new Promise(resolve => setImmediate(resolve))
  // As for a check that takes too much time or memory.
  await threads[0]!.terminate()
  const found = await Promise.all(checks)
  process.off('worker', note)
  assert.deepEqual(
    found.map(({ findings }) => findings.map(({ message }) => message)),
    [['the check was stopped'], [], ['field inptu not recognised']],
  )
  assert.equal(threads.length, 2)
})

test('a check that uses too much CPU time is stopped, and the next one runs', async () => {
  const other = new LintThread({ policy }, 1500)
  after(() => other.close())
  const processors = Array.from(
    { length: 30_000 },
    (_, n) => `    - mapping: root.text = this.text.uppercase() + "${n}"\n`,
  )
  const costly = `input:\n  generate:\n    mapping: root = 1\npipeline:\n  processors:\n${processors.join('')}${output}`
  const found = await Promise.all([
    other.lint(costly),
    other.lint(`input:\n  generate:\n    mapping: root = 1\n${output}`),
  ])
  const [stopped, ...others] = found.map(({ findings }) => findings.map(({ message }) => message).join())
  // On a very busy machine the wall-clock limit may come first.
  assert.match(stopped!, /^the configuration could not be checked within (1.5|18) s$/)
  assert.deepEqual(others, [''])
})

test('checks that are pending at close are rejected', async () => {
  const other = new LintThread({ policy })
  const checks = [1, 2].map(() => other.lint(`input:\n  generate:\n    mapping: root = 1\n${output}`))
  await other.close()
  for (const { findings } of await Promise.all(checks)) assert.equal(findings[0]?.message, 'the check was stopped')
  assert.equal((await other.lint('')).findings[0]?.message, 'the check was stopped')
})

test('the schema has the block, the alias and the fields of components', async () => {
  const schema = await thread.jsonSchema()
  // A JSON Schema of configurations.
  const { properties, definitions } = schema as {
    properties: object
    definitions: Record<string, { properties: object }>
  }
  assert.ok('warpstream' in properties && 'input' in properties)
  assert.ok('kafka_franz_warpstream' in definitions['output']!.properties)
  assert.ok('mapping' in definitions['processor']!.properties)
})
