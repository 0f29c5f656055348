// `--watcher`: configurations that change while they run.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { program } from './support.ts'
import { portOf } from '../servers/ports.ts'

interface Watched {
  readonly folder: string
  readonly child: ChildProcess
  log(): string
  until(holds: () => boolean): Promise<void>
  /** Ends it and resolves to its exit code. */
  stop(): Promise<number | null>
}

async function start(t: TestContext, files: Readonly<Record<string, string>>, ...args: string[]): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-watcher-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let log = ''
  child.stdout.on('data', piece => (log += piece))
  child.stderr.on('data', piece => (log += piece))
  const exited = once(child, 'exit')
  t.after(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      assert.equal(child.exitCode, null, log)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
  return {
    folder,
    child,
    log: () => log,
    until,
    async stop() {
      child.kill('SIGTERM')
      return (await exited)[0]
    },
  }
}

const linesOf = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [])
const quiet = 'http: { enabled: false }\n'

test('every acknowledged request is delivered while configurations are replaced', async t => {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const port = portOf(probe)
  await new Promise(resolve => probe.close(resolve))
  const config = (name: string) => `http: { address: '127.0.0.1:${port}' }
input: { http_server: { path: /post } }
buffer: { memory: {} }
pipeline: { processors: [ { sleep: { duration: 1ms } }, { mapping: 'root = "${name} " + content().string()' } ] }
output: { file: { path: out.txt } }
`
  const watched = await start(t, { 'a.yaml': config('v0') }, 'run', '-w', 'a.yaml')
  const out = join(watched.folder, 'out.txt')
  let answered = 0
  let isDone = false
  const post = async () => {
    while (!isDone) {
      const response = await fetch(`http://127.0.0.1:${port}/post`, { method: 'POST', body: String(answered) }).catch(
        () => null,
      )
      // Between two streams nothing accepts the request; then it is sent again.
      if (response?.status === 200) answered++
    }
  }
  const posting = post()
  for (let version = 1; version <= 3; version++) {
    await watched.until(() => linesOf(out).some(line => line.startsWith(`v${version - 1} `)))
    // As editors do: a new file replaces the old one.
    writeFileSync(join(watched.folder, 'new.yaml'), config(`v${version}`))
    renameSync(join(watched.folder, 'new.yaml'), join(watched.folder, 'a.yaml'))
  }
  await watched.until(() => linesOf(out).some(line => line.startsWith('v3 ')))
  isDone = true
  await posting
  assert.equal(await watched.stop(), 0)
  const arrived = new Set(linesOf(out).map(line => Number(line.split(' ')[1])))
  const lost = Array.from({ length: answered }, (_, index) => index).filter(number => !arrived.has(number))
  assert.deepEqual(lost, [])
  assert.ok(answered > 100, String(answered))
})

test('an invalid configuration is rejected with positions, and the previous one keeps running', async t => {
  const good = `${quiet}input: { generate: { mapping: 'root = counter()', interval: 5ms } }\noutput: { file: { path: out.txt } }\n`
  const watched = await start(t, { 'a.yaml': good }, '-w', '-c', 'a.yaml')
  const out = join(watched.folder, 'out.txt')
  await watched.until(() => linesOf(out).length > 0)
  for (const [bad, wanted] of [
    [good.replace('interval', 'intervall'), /a\.yaml\(2,\d+\) field intervall not recognised/],
    ['input: [', /Rejecting updated config: .*yaml/],
    [good.replace('counter()', '('), /Rejecting updated config/],
  ] as const) {
    writeFileSync(join(watched.folder, 'a.yaml'), bad)
    await watched.until(() => wanted.test(watched.log()))
    const before = linesOf(out).length
    await watched.until(() => linesOf(out).length > before)
  }
  assert.equal(await watched.stop(), 0)
})

test('changes to resources and to streams are applied', async t => {
  const resource = (text: string) => `processor_resources: [ { label: p, mapping: 'root = "${text}"' } ]\n`
  const stream = (text: string) =>
    `input: { generate: { mapping: 'root = "${text}"', interval: 5ms } }\npipeline: { processors: [ { resource: p } ] }\noutput: { file: { path: ${text}.txt } }\n`
  const main = await start(
    t,
    { 'a.yaml': quiet + stream('x'), 'r.yaml': resource('one') },
    'run',
    '-w',
    '-r',
    'r.yaml',
    'a.yaml',
  )
  await main.until(() => linesOf(join(main.folder, 'x.txt')).includes('one'))
  writeFileSync(join(main.folder, 'r.yaml'), resource('two'))
  await main.until(() => linesOf(join(main.folder, 'x.txt')).includes('two'))
  assert.equal(await main.stop(), 0)

  const many = await start(
    t,
    { 'o.yaml': 'http: { address: "127.0.0.1:0" }\n', 'r.yaml': resource('one'), 'first.yaml': stream('x') },
    '-w',
    '-c',
    'o.yaml',
    '-r',
    'r.yaml',
    'streams',
    'first.yaml',
  )
  await many.until(() => linesOf(join(many.folder, 'x.txt')).includes('one'))
  writeFileSync(join(many.folder, 'first.yaml'), stream('y'))
  await many.until(() => linesOf(join(many.folder, 'y.txt')).length > 0)
  assert.match(many.log(), /Updated stream 'first'/)
  writeFileSync(join(many.folder, 'first.yaml'), stream('z').replace('interval', 'intervall'))
  await many.until(() => /intervall not recognised/.test(many.log()))
  assert.equal(await many.stop(), 0)
})
