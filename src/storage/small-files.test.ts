import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { SmallFiles } from './small-files.ts'

const root = await mkdtemp(join(tmpdir(), 'penstock-small-'))
after(() => rm(root, { recursive: true }))

describe('the thread for small files', () => {
  const files = new SmallFiles()
  let number = 0
  afterEach(() =>
    assert.deepEqual(
      readdirSync(root).filter(name => name.startsWith('t')),
      [],
    ),
  )

  const write = (path: string, ...pieces: string[]) =>
    files.write(
      { temporary: join(root, `t${number++}`), path: join(root, path), fsync: true },
      pieces.map(piece => Buffer.from(piece)),
    )
  /** Until the thread has started, files are left to others. */
  async function written(path: string, ...pieces: string[]): Promise<void> {
    while (!(await write(path, ...pieces))) await new Promise(resolve => setTimeout(resolve, 5))
  }

  it('puts a file of several pieces in its place', { timeout: 60_000 }, async () => {
    await written('one', 'a', '', 'bc')
    assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'abc')
    assert.equal(await write('one', 'another'), true)
    assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'another')
  })

  it('writes one at a time and leaves the others to others', async () => {
    const first = write('busy', 'a')
    assert.equal(await write('late', 'b'), false)
    assert.equal(await first, true)
    assert.equal(existsSync(join(root, 'late')), false)
  })

  it('leaves nothing behind of what it cannot write, and goes on', async () => {
    assert.equal(await write('no/folder', 'a'), false)
    await mkdir(join(root, 'no'))
    assert.equal(await write('no/folder', 'a'), true)
  })

  it('writes nothing more once it is closed', async () => {
    await files.close()
    assert.equal(await write('closed', 'a'), false)
    assert.equal(existsSync(join(root, 'closed')), false)
  })
})
