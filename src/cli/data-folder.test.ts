import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { DataFolderError, takeDataFolder } from './data-folder.ts'

test('a folder belongs to one process at a time, and is free once that process is gone', t => {
  const parent = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const path = join(parent, 'a', 'b')
  const take = `import { takeDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)}
    try { takeDataFolder(${JSON.stringify(path)}); process.kill(process.pid, 'SIGKILL') }
    catch (error) { console.log(error.message) }`
  const other = () => spawnSync(process.execPath, ['--input-type=module', '-e', take], { encoding: 'utf8' })

  const folder = takeDataFolder(path)
  assert.match(other().stdout, new RegExp(`is in use by another process \\(process ${process.pid}\\)`))
  assert.equal(statSync(path).mode & 0o777, 0o700)
  folder.release()
  assert.equal(other().signal, 'SIGKILL')
  takeDataFolder(path).release()
})

test('reports a file where the folder should be', t => {
  const parent = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  t.after(() => rmSync(parent, { recursive: true }))
  writeFileSync(join(parent, 'file'), '')
  assert.throws(() => takeDataFolder(join(parent, 'file')), DataFolderError)
})

test('a folder keeps its sealing key, readable only by its owner; a damaged key is an error', t => {
  const parent = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  t.after(() => rmSync(parent, { recursive: true }))
  const first = takeDataFolder(parent)
  first.release()
  const file = join(parent, 'secrets.key')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const again = takeDataFolder(parent)
  again.release()
  assert.deepEqual(again.sealingKey, first.sealingKey)
  writeFileSync(file, readFileSync(file, 'utf8').slice(2))
  assert.throws(() => takeDataFolder(parent), /secrets\.key has to hold 64 hexadecimal digits/)
})

test('refuses an empty name instead of using the current folder', () => {
  assert.throws(() => takeDataFolder(''), /-dataDir needs a folder/)
  assert.throws(() => takeDataFolder(' '), DataFolderError)
})
