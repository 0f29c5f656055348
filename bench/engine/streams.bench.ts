// How many messages per second one stream moves from file to file, as a whole process. `ENGINE_LINES` sets the number
// of lines, `ENGINE_ONLY` selects one configuration; `ORIGINAL=/path/to/program` runs the same configurations in
// another program for comparison.
import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'

const lines = Number(process.env['ENGINE_LINES'] ?? 500_000)
const only = process.env['ENGINE_ONLY']
const programs = [join(import.meta.dirname, '../../bin/penstock'), process.env['ORIGINAL'] ?? ''].filter(
  path => path !== '',
)
const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
try {
  writeFileSync(join(folder, 'in.jsonl'), documents(lines))
  writeFileSync(join(folder, 'access.log'), accessLog(lines))
  writeFileSync(join(folder, 'one.jsonl'), documents(1))
  writeSchemas(folder)
  for (const config of globSync(join(import.meta.dirname, '*.yaml')).toSorted()) {
    const name = basename(config, '.yaml')
    if (only !== undefined && name !== only) continue
    copyFileSync(config, join(folder, 'config.yaml'))
    const rates = programs.map(program => `${basename(program)} ${rate(program, lines)}`)
    console.log(`${name.padEnd(8)} ${rates.join('   ')}`)
  }
  const startUps = programs.map(program => `${basename(program)} ${startUp(program)}`)
  console.log(`one message, start to exit: ${startUps.join('   ')}`)
} finally {
  rmSync(folder, { recursive: true })
}

/** The best of two runs. */
function rate(program: string, count: number): string {
  const seconds = Math.min(run(program, []), run(program, []))
  return `${Math.round(count / seconds).toLocaleString('en')} messages/s`
}

function startUp(program: string): string {
  const args = ['-s', 'input.file.paths.0=one.jsonl']
  return `${Math.round(Math.min(...[1, 2, 3, 4, 5].map(() => run(program, args))) * 1000)} ms`
}

/** The duration of one run, in seconds. */
function run(program: string, args: readonly string[]): number {
  for (const written of globSync('out*', { cwd: folder })) rmSync(join(folder, written))
  const startedAt = performance.now()
  const result = spawnSync(program, ['-c', 'config.yaml', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PWD: folder },
  })
  if (result.status !== 0) throw new Error(`${program} failed: ${result.stdout}${result.stderr}`)
  return (performance.now() - startedAt) / 1000
}

/** Lines of about 210 bytes, deterministic. */
function documents(count: number): string {
  let seed = 1
  const next = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  let text = ''
  for (let i = 0; i < count; i++) {
    text += `${JSON.stringify({
      id: i,
      user: { name: `user-${i % 1000}`, age: i % 90, email: `u${i % 1000}@example.com` },
      event: ['view', 'click', 'buy'][Math.floor(next() * 3)],
      ts: 1_700_000_000 + i,
      price: Math.round(next() * 10_000) / 100,
      tags: ['a', 'b', 'c'].slice(0, i % 4),
      message: 'x'.repeat(20 + (i % 80)),
    })}\n`
  }
  return text
}

/** The schemas of the documents for Avro and Protocol Buffers. */
function writeSchemas(where: string): void {
  const record = (name: string, fields: Readonly<Record<string, unknown>>) => ({
    type: 'record',
    name,
    fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
  })
  const user = record('User', { name: 'string', age: 'int', email: 'string' })
  const tags = { type: 'array', items: 'string' }
  const document = { id: 'long', user, event: 'string', ts: 'long', price: 'double', tags, message: 'string' }
  writeFileSync(join(where, 'doc.avsc'), JSON.stringify(record('Doc', document)))
  mkdirSync(join(where, 'doc'))
  writeFileSync(
    join(where, 'doc/doc.proto'),
    `syntax = "proto3";
    message User { string name = 1; int32 age = 2; string email = 3; }
    message Doc {
      int64 id = 1; User user = 2; string event = 3; int64 ts = 4; double price = 5; repeated string tags = 6; string message = 7;
    }`,
  )
}

/** Lines of a web server's log, about 170 bytes each. */
function accessLog(count: number): string {
  let text = ''
  for (let i = 0; i < count; i++) {
    const address = [10, i % 256, (i * 7) % 256, (i * 13) % 256].join('.')
    const time = `10/Oct/2000:13:${String(i % 60).padStart(2, '0')}:36 -0700`
    text += `${address} - user-${i % 100} [${time}] "GET /page-${i % 500}.html?q=${i} HTTP/1.1" 200 ${i % 10_000} "http://www.example.com/start.html" "Mozilla/5.0 (X11; Linux x86_64)"\n`
  }
  return text
}
