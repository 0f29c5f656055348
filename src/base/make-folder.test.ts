import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { makeFolder, makeFolderSync } from './make-folder.ts'

describe('making a folder', () => {
  const root = mkdtempSync(join(tmpdir(), 'make-folder-'))
  after(() => rmSync(root, { recursive: true }))

  it('creates missing parents, and returns the topmost', async () => {
    const path = join(root, 'a', 'b', 'c')
    assert.equal(await makeFolder(path, { mode: 0o700 }), join(root, 'a'))
    assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o700)
    assert.equal(await makeFolder(path), undefined)
    makeFolderSync(join(root, 'd', 'e'))
    makeFolderSync(join(root, 'd', 'e'))
    assert.ok(existsSync(join(root, 'd', 'e')))
  })

  it('accepts a folder that others create at the same time', async () => {
    const path = join(root, 'f', 'g')
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)))
    assert.ok(existsSync(path))
  })

  it('fails below a file', async () => {
    writeFileSync(join(root, 'file'), '')
    await assert.rejects(makeFolder(join(root, 'file')), { code: 'EEXIST' })
    await assert.rejects(makeFolder(join(root, 'file', 'a', 'b')), { code: 'ENOTDIR' })
    assert.throws(() => makeFolderSync(join(root, 'file', 'a')), { code: 'ENOTDIR' })
  })

  it('fails where the system refuses every folder', { skip: !existsSync('/proc/self') && 'no /proc' }, async () => {
    await assert.rejects(makeFolder('/proc/a/b'), { code: 'ENOENT' })
    assert.throws(() => makeFolderSync('/proc/a/b'), { code: 'ENOENT' })
  })
})
