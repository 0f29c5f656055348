import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openFiles } from './files.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-files-'))
after(() => rmSync(folder, { recursive: true }))

test('a pattern matches hidden files, but neither folders nor parent folders', () => {
  mkdirSync(join(folder, 'sub/.hidden'), { recursive: true })
  for (const name of ['a.txt', '.b.txt', 'sub/{c}.txt', 'sub/.d.txt']) writeFileSync(join(folder, name), '')
  const matches = (pattern: string) => openFiles.glob(`${folder}/${pattern}`).map(path => path.slice(folder.length + 1))
  assert.deepEqual(matches('*.txt'), ['.b.txt', 'a.txt'])
  assert.deepEqual(matches('sub/*'), ['sub/.d.txt', 'sub/{c}.txt'])
  assert.deepEqual(matches('**/*.txt'), ['.b.txt', 'a.txt', 'sub/.d.txt', 'sub/{c}.txt'])
  assert.deepEqual(matches('?.txt'), ['a.txt'])
})
