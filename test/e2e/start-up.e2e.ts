// The built-in modules that a stream between files loads before it starts: each costs milliseconds at every start, and
// one misplaced import brings it back.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'penstock-start-up-'))
after(() => rmSync(folder, { recursive: true }))

test('a stream between files starts without loading sockets, streams, cryptography or processes', () => {
  const at = (name: string) => join(folder, name)
  writeFileSync(at('in.jsonl'), '{"a":1}\n')
  writeFileSync(
    at('stream.yaml'),
    `http: { enabled: false }
input: { file: { paths: [ '${at('in.jsonl')}' ] } }
pipeline: { processors: [ { mapping: 'root.a = this.a + 1' } ] }
output: { file: { path: '${at('out.jsonl')}', codec: lines } }
`,
  )
  writeFileSync(
    at('report.cjs'),
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(at('loaded'))}, process.moduleLoadList.join('\\n')))\n`,
  )
  const program = join(import.meta.dirname, '../../bin/penstock')
  const env = { ...process.env, NODE_OPTIONS: `--require=${at('report.cjs')}` }
  const { status, stderr } = spawnSync(program, ['-c', at('stream.yaml')], { env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.equal(readFileSync(at('out.jsonl'), 'utf8'), '{"a":2}\n')

  const loaded = new Set(readFileSync(at('loaded'), 'utf8').split('\n'))
  assert.ok(loaded.has('NativeModule fs'))
  const dear = ['net', 'tls', 'http', 'http2', 'stream', 'crypto', 'child_process', 'sqlite', 'worker_threads']
  assert.deepEqual(
    dear.filter(name => loaded.has(`NativeModule ${name}`)),
    [],
  )
})
