import assert from 'node:assert/strict'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import process from 'node:process'
import { test } from 'node:test'
import { compileMapping } from '../index.ts'
import { inertHost } from '../inert-host.ts'

// The programs generated from mappings, for review. `UPDATE_GOLDEN=1` rewrites them.
const folder = join(import.meta.dirname, 'golden')
for (const file of globSync(join(folder, '*.blobl')).toSorted()) {
  test(`compiles ${basename(file)} to the expected program`, () => {
    const { mapping, diagnostics } = compileMapping(readFileSync(file, 'utf8'), { host: inertHost })
    assert.ok(mapping !== undefined, diagnostics?.[0]?.excerpt ?? '')
    const golden = `${file}.js.txt`
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, `${mapping.source}\n`)
    assert.equal(`${mapping.source}\n`, readFileSync(golden, 'utf8'))
  })
}
