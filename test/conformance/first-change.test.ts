// The guide to a first change contains code that newcomers copy.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { processed } from '../../src/components/processor.suite.ts'
import type { AnySpec } from '../../src/engine/index.ts'

const root = join(import.meta.dirname, '../..')

test('the processor from the guide returns the result of its example', async t => {
  const guide = readFileSync(join(root, 'docs/guide/first-change.md'), 'utf8')
  const [, code] = /^```ts\n(import [\s\S]*?)^```$/m.exec(guide) ?? []
  assert.ok(code !== undefined, 'the guide has no file')
  const folder = mkdtempSync(join(tmpdir(), 'penstock-guide-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'processor.truncate.ts')
  writeFileSync(file, code.replace('../../engine/index.ts', pathToFileURL(join(root, 'src/engine/index.ts')).href))
  const { default: spec }: { default: AnySpec } = await import(pathToFileURL(file).href)

  for (const { config, input, output } of spec.examples!) {
    const outcomes = await processed(config, input!, { specs: [spec] })
    assert.deepEqual(
      outcomes.map(({ text }) => text),
      output,
    )
  }
  const [failed] = await processed('truncate: {}', [''], { specs: [spec] })
  assert.equal(failed!.error, 'there is no text to truncate')
})
