// The example pipelines in config/: each is valid, says what it does, and passes its own unit tests.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { program } from './support.ts'

const root = join(import.meta.dirname, '../..')
const examples = globSync('config/*.yaml', { cwd: root }).toSorted()
const run = (...args: string[]) => spawnSync(program, args, { encoding: 'utf8', cwd: root, timeout: 120_000 })

test('every example passes its unit tests', () => {
  const { status, stdout, stderr } = run('test', './config/...')
  assert.equal(status, 0, stdout + stderr)
  const passed = [...stdout.matchAll(/Test '(config\/[\w-]+\.yaml)' succeeded/g)].map(([, path]) => path)
  assert.deepEqual(new Set(passed), new Set(examples))
})

test('the examples have no lint findings', () => {
  const { status, stdout, stderr } = run('lint', 'config/*.yaml')
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
})

test('the configurations in the guides have no lint findings', () => {
  const guides = globSync('docs/guide/*.md', { cwd: root })
  assert.ok(guides.some(path => readFileSync(join(root, path), 'utf8').includes('```yaml')))
  const { status, stdout, stderr } = run('lint', ...guides)
  assert.deepEqual([status, stdout, stderr], [0, '', ''])
})

test('each example begins with a description, and the list of examples is complete', () => {
  const list = readFileSync(join(root, 'config/README.md'), 'utf8')
  for (const path of examples) {
    const text = readFileSync(join(root, path), 'utf8')
    const [summary] = text.split('\n')
    assert.match(summary!, /^# [A-Z].*[.)]$/, path)
    const name = path.replace('config/', '')
    assert.ok(list.includes(`| [${name}](${name}) | ${summary!.slice(2)} |`), `${path} is missing in config/README.md`)
  }
})
