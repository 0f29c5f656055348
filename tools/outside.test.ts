import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { checkOutside } from './outside.ts'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'penstock-outside-'))
after(() => rmSync(folder, { recursive: true }))
copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))

/** Writes texts to a folder as files; returns those in which the linter finds something. */
function refused(under: string, texts: readonly string[]): readonly string[] {
  rmSync(join(folder, 'src'), { recursive: true, force: true })
  mkdirSync(join(folder, under), { recursive: true })
  for (const [index, text] of texts.entries()) writeFileSync(join(folder, under, `${index}.ts`), `${text}\n`)
  const linter = join(root, 'node_modules/.bin/oxlint')
  const { stdout } = spawnSync(linter, ['--quiet', '--format=json', under], { cwd: folder, encoding: 'utf8' })
  const { diagnostics }: { diagnostics: readonly { filename: string }[] } = JSON.parse(stdout)
  const found = new Set(diagnostics.map(({ filename }) => basename(filename, '.ts')))
  return texts.filter((_, index) => found.has(String(index)))
}

const ways = [
  "import { readFileSync } from 'node:fs'\nexport const x = readFileSync",
  "import { open } from 'fs/promises'\nexport const x = open",
  "import { spawn } from 'node:child_process'\nexport const x = spawn",
  "import { DatabaseSync } from 'node:sqlite'\nexport const x = DatabaseSync",
  "import { connect } from 'node:net'\nexport const x = connect",
  "import { request } from 'node:https'\nexport const x = request",
  "import process from 'node:process'\nexport const x = process.env",
  "export const x = process.env['HOME']",
  "export const x = fetch('http://example.com')",
  "export const x = new WebSocket('ws://example.com')",
  "export const x = import('node:fs')",
]

test('components and the mapping language cannot import modules with access to the outside', () => {
  assert.deepEqual(refused('src/components/io', ways), ways)
  assert.deepEqual(refused('src/bloblang/stdlib/functions', ways), ways)
  assert.deepEqual(refused('src/host', ways), [])
})

test('types of those modules, and purely computing functions, may be imported', () => {
  const types =
    "import type { Stats } from 'node:fs'\nimport { isIP } from 'node:net'\nexport const x = (_: Stats) => isIP('')\n"
  assert.deepEqual(refused('src/components/io', [types]), [])
})

test('components cannot load such modules in ways that bypass the linter', () => {
  const loads = [
    "require('node:fs')",
    "createRequire(import.meta.url)('fs')",
    "process.getBuiltinModule('node:fs')",
    'globalThis.process',
    "globalThis['fetch']",
  ]
  for (const load of loads) assert.equal(checkOutside('src/components/x.ts', `const x = ${load}\n`).length, 1, load)
  assert.deepEqual(checkOutside('src/components/x.ts', "const x = require('re2js')\n"), [])
})
