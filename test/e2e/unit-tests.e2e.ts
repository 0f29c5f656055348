// `penstock test` and `penstock template lint`: what users write to test configurations and templates.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { program } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-unit-tests-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return name
}

const run = (...args: string[]) => spawnSync(program, args, { encoding: 'utf8', cwd: folder, timeout: 60_000 })

const suite = (want: string) => `pipeline: { processors: [ { mapping: 'root = content().uppercase()' } ] }
tests:
  - name: shouts
    input_batch: [ { content: hello } ]
    output_batches: [ [ { content_equals: ${want} } ] ]
`

test('caches work in processors and in mappings', () => {
  const config = write(
    'caches.yaml',
    `pipeline:
  processors:
    - cache: { resource: kept, operator: set, key: '\${! json("id") }', value: '\${! content() }' }
    - mapping: 'root = cache_get("kept", "a").string()'
cache_resources: [ { label: kept, memory: {} } ]
tests:
  - name: remembers
    input_batch: [ { json_content: { id: a } } ]
    output_batches: [ [ { json_equals: { id: a } } ] ]
`,
  )
  const { status, stdout } = run('test', config)
  assert.equal(stdout, "Test 'caches.yaml' succeeded\n")
  assert.equal(status, 0)
})

test('mocks replace components and fields, by label and by pointer, and are appended with a dash', () => {
  const config = write(
    'mocks.yaml',
    `pipeline:
  processors:
    - label: ask
      http: { url: 'http://localhost:1' }
    - mapping: 'root = content() + "!"'
tests:
  - name: mocked
    mocks:
      ask: { mapping: 'root = "answer"' }
      /pipeline/processors/1/mapping: 'root = content() + "?"'
      /pipeline/processors/-: { mapping: 'root = content().uppercase()' }
    input_batch: [ { content: x } ]
    output_batches: [ [ { content_equals: 'ANSWER?' } ] ]
`,
  )
  assert.equal(run('test', config).stdout, "Test 'mocks.yaml' succeeded\n")
})

test('a mock for a path that does not exist is an error that names it', () => {
  const config = write(
    'nowhere.yaml',
    `pipeline: { processors: [ { mapping: 'root = this' } ] }
tests:
  - name: nowhere
    mocks: { /pipeline/processors/7: { noop: {} } }
    input_batch: [ { content: x } ]
    output_batches: []
`,
  )
  const { status, stderr } = run('test', config)
  assert.equal(status, 1)
  assert.match(stderr, /failed to set mock '\/pipeline\/processors\/7': .*target index greater than array length/)
})

test('a broken file fails the command, and the tests of the other files run', () => {
  write('some/broken.yaml', 'input:\n  stdin: {}\npipeline: [ 1\ntests: []\n')
  write('some/good.yaml', suite('HELLO'))
  const { status, stdout, stderr } = run('test', './some/...')
  assert.equal(status, 1)
  assert.equal(stdout, "Test 'some/good.yaml' succeeded\n")
  assert.match(stderr, /failed to parse test definition from 'some\/broken.yaml': yaml: line \d+: /)
  assert.doesNotMatch(stderr, /^ +at /m)
})

test('content is compared verbatim', () => {
  const config = write(
    'as-written.yaml',
    `pipeline: { processors: [ { mapping: 'root = content()' } ] }
tests:
  - name: text
    input_batch: [ { content: 1.0 }, { content: 0x10 }, { content: yes } ]
    output_batches: [ [ { content_equals: 1.0 }, { content_equals: 0x10 }, { content_equals: "yes" } ] ]
  - name: metadata in any order
    input_batch: [ { content: x, metadata: { m: { a: 1, b: [ 2 ] } } } ]
    output_batches: [ [ { metadata_equals: { m: { b: [ 2 ], a: 1 } } } ] ]
`,
  )
  assert.equal(run('test', config).stdout, "Test 'as-written.yaml' succeeded\n")
})

test('a test file beside a configuration is found from either name', () => {
  write('beside.yaml', `pipeline: { processors: [ { mapping: 'root = content().uppercase()' } ] }\n`)
  write('beside_bento_test.yaml', suite('HELLO').replace(/^pipeline.*\n/, ''))
  for (const name of ['beside.yaml', './beside_bento_test.yaml']) {
    assert.equal(run('test', name).stdout, "Test 'beside.yaml' succeeded\n")
  }
})

test('a file or folder that does not exist, and a pattern that matches nothing, are errors', () => {
  for (const name of ['none.yaml', './none/*.yaml', './none/...']) {
    const { status, stderr } = run('test', name)
    assert.equal(status, 1)
    assert.match(stderr, /none/)
  }
})

test('the configuration that a template test expects is compared as a document', () => {
  const template = (expected: string) => `name: shout
type: processor
fields: []
mapping: 'root.try = [ { "log": { "message": "x", "level": "WARN" } } ]'
tests:
  - name: keys in any order
    config: {}
    expected: { try: [ { log: ${expected} } ] }
`
  const right = write('right-template.yaml', template('{ level: WARN, message: x }'))
  assert.equal(run('template', 'lint', right).status, 0)
  const wrong = write('wrong-template.yaml', template('{ level: INFO, message: x }'))
  const { status, stderr } = run('template', 'lint', wrong)
  assert.equal(status, 1)
  assert.match(stderr, /"level": "INFO" => "WARN"/)
})

test('results are written as JUnit XML, even when tests fail', () => {
  write('junit/good.yaml', suite('HELLO'))
  write('junit/bad.yaml', suite('OTHER'))
  assert.equal(run('test', '--junit', 'results.xml', './junit/...').status, 1)
  const xml = readFileSync(join(folder, 'results.xml'), 'utf8')
  assert.match(xml, /<testsuites tests="2" failures="1" errors="0">/)
  assert.match(
    xml,
    /<testcase name="shouts" classname="junit\/good.yaml" file="junit\/good.yaml" line="3" time="[\d.]+"\/>/,
  )
  assert.match(xml, /<failure message="batch 0 message 0: content_equals/)
  const { status, stderr } = run('test', '--junit', 'no/such/folder.xml', './junit/good.yaml')
  assert.equal(status, 1)
  assert.match(stderr, /failed to write no\/such\/folder\.xml/)
})

test('tests run again when their file changes', async t => {
  write('again.yaml', suite('OTHER'))
  const child = spawn(program, ['test', '--watch', 'again.yaml'], { cwd: folder })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', piece => (text += piece))
  const until = async (wanted: RegExp) => {
    while (!wanted.test(text)) {
      assert.equal(child.exitCode, null, text)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  await until(/failed[^]*Waiting for changes/)
  write('again.yaml', suite('HELLO'))
  await until(/again\.yaml changed\nTest 'again\.yaml' succeeded\nWaiting for changes/)
  child.kill('SIGINT')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})
