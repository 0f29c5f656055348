// `penstock run`, `lint`, `blobl` …: the stream engine without a cluster, through its command line.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { program } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-run-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const run = (args: readonly string[], input = '', env: Record<string, string> = {}) =>
  spawnSync(program, args, { input, encoding: 'utf8', cwd: folder, env: { ...process.env, ...env }, timeout: 60_000 })

const quiet = 'http: { enabled: false }\nlogger: { level: "OFF" }\n'

test('a pipeline from standard input to standard output ends with its input', () => {
  const config = write(
    'pipe.yaml',
    `${quiet}input: { stdin: {} }\npipeline: { processors: [ { mapping: 'root.n = this.n * 2' } ] }\noutput: { stdout: {} }\n`,
  )
  const lines = Array.from({ length: 1000 }, (_, n) => `{"n":${n}}`).join('\n')
  const { status, stdout } = run(['run', config], lines)
  assert.equal(status, 0)
  assert.deepEqual(
    stdout.trim().split('\n'),
    Array.from({ length: 1000 }, (_, n) => `{"n":${2 * n}}`),
  )
  assert.equal(run(['-c', config], '{"n":1}').stdout, '{"n":2}\n')
})

test('a pipeline from file to file preserves unchanged content byte for byte', () => {
  const source = '{"big":12345678901234567890,"price":1.50,"a":[1e3]}\n{"é":"\\u00e9\\n","b":{}}\n'
  write('in.jsonl', source)
  const config = write(
    'files.yaml',
    `${quiet}input: { file: { paths: [ in.jsonl ] } }\noutput: { file: { path: out.jsonl, codec: lines } }\n`,
  )
  assert.equal(run(['run', config]).status, 0)
  assert.equal(readFileSync(join(folder, 'out.jsonl'), 'utf8'), source)
})

test('substitutes environment variables', () => {
  const config = write(
    'env.yaml',
    `${quiet}input: { generate: { count: 1, mapping: 'root = "\${GREETING} \${WHO:world}"' } }\noutput: { stdout: {} }\n`,
  )
  assert.equal(run(['run', config], '', { GREETING: 'hello' }).stdout, 'hello world\n')
})

test('a configuration with lint findings is refused, with the line of each', () => {
  const config = write('bad.yaml', 'input:\n  generate:\n    mapping: "root = "\n    huh: 1\noutput:\n  nope: {}\n')
  const linted = run(['lint', config])
  assert.equal(linted.status, 1)
  assert.match(linted.stdout + linted.stderr, /bad\.yaml\(6,1\) .*nope/)
  const started = run(['run', config])
  assert.equal(started.status, 1)
  assert.match(started.stdout + started.stderr, /nope/)
})

test('SIGTERM stops it cleanly and loses nothing that was read', async () => {
  const config = write(
    'endless.yaml',
    `${quiet}input: { generate: { interval: 1ms, mapping: 'root = counter()' } }\noutput: { file: { path: endless.txt, codec: lines } }\n`,
  )
  const child = spawn(program, ['run', config], { cwd: folder, stdio: 'ignore' })
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  const written = () => {
    try {
      return readFileSync(join(folder, 'endless.txt'), 'utf8')
    } catch {
      return '' // not there yet
    }
  }
  while (written().split('\n').length < 20) await new Promise(resolve => setTimeout(resolve, 10))
  child.kill('SIGTERM')
  assert.equal(await ended, 0)
  const numbers = written().trim().split('\n').map(Number)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
})

test('blobl maps line by line, and writes errors to standard error', () => {
  const { status, stdout, stderr } = run(['blobl', 'root.b = this.a.uppercase()'], '{"a":"x"}\n{"a":1}\n')
  assert.equal(status, 0)
  assert.equal(stdout, '{"b":"X"}\n')
  assert.match(stderr, /failed to execute map: failed assignment \(line 1\): expected string value, got number/)
})

test('unit tests in a configuration run, and a failing one fails the command', () => {
  const config = (want: string) => `pipeline: { processors: [ { mapping: 'root = content().uppercase()' } ] }
tests:
  - name: shouts
    input_batch: [ { content: hello } ]
    output_batches: [ [ { content_equals: ${want} } ] ]
`
  assert.equal(run(['test', write('good_test.yaml', config('HELLO'))]).status, 0)
  const failed = run(['test', write('failing_test.yaml', config('hello'))])
  assert.equal(failed.status, 1)
  assert.match(failed.stdout, /shouts/)
})

test('a log that is no longer read does not block the stream', async () => {
  const config = write(
    'unread-log.yaml',
    `http: { enabled: false }
input: { generate: { interval: 1ms, count: 300, mapping: 'root = counter()' } }
pipeline: { processors: [ { log: { message: 'seen \${! content() }' } } ] }
output: { file: { path: unread-log.txt, codec: lines } }
`,
  )
  const child = spawn(program, ['run', config], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.once('data', () => child.stdout.destroy())
  assert.equal(await new Promise<number | null>(resolve => child.once('exit', resolve)), 0)
  assert.equal(readFileSync(join(folder, 'unread-log.txt'), 'utf8').trim().split('\n').length, 300)
})

test('output into a closed pipe ends the program without a stack trace', async () => {
  const config = write(
    'closed-pipe.yaml',
    `${quiet}input: { generate: { interval: 1ms, mapping: 'root = counter()' } }\noutput: { stdout: {} }\n`,
  )
  const child = spawn(program, ['run', config], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  child.stdout.once('data', () => child.stdout.destroy())
  assert.equal(await new Promise<number | null>(resolve => child.once('close', resolve)), 141)
  assert.equal(errors, '')
})

test('--set overrides fields with raw text, and reports paths that do not exist', () => {
  const config = write(
    'set.yaml',
    `http: { enabled: false }\ninput: { generate: { count: 1, interval: '', mapping: 'root.a = "q"' } }
pipeline: { processors: [ { mapping: 'root = this' } ] }
output: { stdout: {} }
`,
  )
  const set = (...expressions: string[]) => run(['run', ...expressions.flatMap(each => ['--set', each]), config])
  assert.equal(set('pipeline.processors.0.mapping=root.b = this.a + ": x"').stdout, '{"b":"q: x"}\n')
  assert.equal(set('pipeline.processors.-.mapping=root = {"c": 1}').stdout, '{"c":1}\n')
  for (const [expression, complaint] of [
    ['nope.x=1', /nope: field not recognised/],
    ['novalue', /expected foo=bar syntax/],
    ['input.generate.count=two', /cannot unmarshal !!str `two` into int/],
    ['pipeline.processors.3.mapping=root = 1', /target index greater than array length/],
  ] as const) {
    const { status, stderr } = set(expression)
    assert.equal(status, 1)
    assert.match(stderr, complaint)
    assert.doesNotMatch(stderr, /^ +at /m)
  }
})

test('lint and run agree on managed pipelines and on configurations that cannot run', () => {
  const managed = write(
    'managed.yaml',
    'input:\n  kafka_franz_warpstream: { topics: [ a ], consumer_group: g }\noutput: { drop: {} }\nwarpstream: { cluster_concurrency_target: 2 }\n',
  )
  assert.equal(run(['lint', managed]).status, 0)
  const unsupported = write(
    'unsupported.yaml',
    'input: { stdin: {} }\noutput:\n  couchbase: { url: u, bucket: b, id: x }\n',
  )
  for (const command of ['lint', 'run']) {
    const { status, stdout, stderr } = run([command, unsupported])
    assert.equal(status, 1)
    assert.match(
      stdout + stderr,
      /unsupported\.yaml\(3,1\) output 'couchbase' is known but not supported by Penstock yet/,
    )
  }
})

test('a file that does not exist and a pattern that matches nothing are errors of every command', () => {
  write('there.yaml', `${quiet}input: { stdin: {} }\noutput: { drop: {} }\n`)
  for (const args of [
    ['lint', 'none.yaml'],
    ['lint', 'none.md'],
    ['lint', './none/*.yaml'],
    ['lint', './none/...'],
    ['run', 'none.yaml'],
    ['-r', './none/*.yaml', 'run', 'there.yaml'],
    ['-e', 'none.env', 'run', 'there.yaml'],
    ['-t', './none/*.yaml', 'list'],
    ['template', 'lint', './none/*.yaml'],
  ]) {
    const { status, stdout, stderr } = run(args)
    assert.equal(status, 1, args.join(' '))
    assert.match(stdout + stderr, /none/)
    assert.doesNotMatch(stderr, /^ +at |unexpected/m)
  }
})

test('a flag that does not exist, and `template` without a command, are errors', () => {
  for (const args of [['--unknown'], ['run', '--unknown'], ['lint', '--unknown'], ['template']]) {
    const { status, stderr } = run(args)
    assert.equal(status, 1, args.join(' '))
    assert.match(stderr, /flag provided but not defined: -unknown|template command/)
  }
})

test('create -s omits advanced fields, and is not --set', () => {
  const { status, stdout } = run(['create', '-s', 'stdin//stdout'])
  assert.equal(status, 0)
  assert.match(stdout, /^input:\n {2}stdin:\n/)
  assert.doesNotMatch(stdout, /^(?:http|logger|metrics|tests):/m)
  assert.match(run(['create', 'stdin//stdout']).stdout, /^http:[^]*\nlogger:\n/m)
})

test('echo prints the configuration with defaults, in block style', () => {
  const config = write('flow.yaml', 'http: { enabled: false }\ninput: { stdin: {} }\noutput: { drop: {} }\n')
  assert.match(run(['-c', config, 'echo']).stdout, /^http:\n {2}enabled: false\n {2}address: 0\.0\.0\.0:4195\n/)
})

test('create marks fields without a default, and leaves sections that were not requested empty', () => {
  const { status, stdout } = run(['create', '/mapping,cache/'])
  assert.equal(status, 0)
  assert.match(stdout, /^ {2}stdin: \{\}$/m)
  assert.match(stdout, /^ {4}- mapping: "" # No default \(required\)$/m)
  assert.match(stdout, /^ {8}ttl: 60s # No default \(optional\)$/m)
  assert.match(stdout, /^tests: \[\]$/m)
  assert.match(run(['create', 'amqp_0_9']).stdout, /^ {4}urls: \[\] # No default \(required\)$/m)
})

test('list includes the functions and methods of the mapping language', () => {
  const { stdout } = run(['list', 'bloblang-functions', 'bloblang-methods'])
  const [functions = '', methods = ''] = stdout.split('\n\n')
  assert.match(functions, /^Bloblang Functions:\n {2}- batch_index\n/)
  assert.match(methods, /^Bloblang Methods:\n {2}- abs\n[^]*\n {2}- uppercase\n/)
  assert.equal(run(['list', '--status', 'beta', 'caches', 'bloblang-functions']).stdout.includes('batch_index'), false)
})
