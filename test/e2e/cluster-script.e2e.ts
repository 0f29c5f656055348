// `npm run cluster`: what it prints, the commands it reads from a pipe, and that it ends.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'

const script = join(import.meta.dirname, '../../tools/cluster.ts')

test('the script adds and stops agents on command, and ends with all of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'penstock-control-'))
  const control = join(folder, 'control')
  assert.equal(spawnSync('mkfifo', [control]).status, 0)
  const parts = ['--agents', '1', '--control-planes', '1', '--database', 'sqlite', '--store', 'file']
  const child = spawn(process.execPath, [script, ...parts, '--control', control], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const printed = async (name: string): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error(`it ended before it printed ${name}`)
        if (value.startsWith(name)) return value.slice(name.length + 1)
      }
    }
    assert.match(await printed('KAFKA'), /^127\.0\.0\.1:\d+$/)
    await printed('READY')
    appendFileSync(control, 'add-agent\n')
    const both = (await printed('KAFKA')).split(',')
    assert.equal(both.length, 2)
    appendFileSync(control, 'stop-agent 1\n')
    assert.equal(await printed('KAFKA'), both[1])
    child.kill('SIGTERM')
    assert.deepEqual(await exited, [0, null])
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  }
})
