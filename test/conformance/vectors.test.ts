// Runs reference cases stored next to the checkout, if there are any. The project's own cases are in this folder.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const folder = join(root, '../shared/vectors')
const skip = existsSync(folder) ? false : 'no reference cases beside this checkout'

for (const name of ['bloblang_docs', 'bloblang_docs_parse', 'bloblang_go', 'bloblang_guides', 'go_stdlib']) {
  test(`the reference cases of ${name} pass`, { skip }, () => {
    const { stdout, stderr } = spawnSync(process.execPath, ['tools/vectors.ts', join(folder, `${name}.jsonl`)], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
    assert.match(stdout, new RegExp(`^${name}: [1-9]\\d* passed, 0 failed`, 'm'), `${stdout.slice(-4000)}${stderr}`)
  })
}
