import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, statfs, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { StorageError } from './errors.ts'
import { openFileStore } from './file-store.ts'
import { openMemoryStore } from './memory-store.ts'
import { objectStoreSuite } from './object-store.suite.ts'
import { openStore } from './open.ts'

const folder = await mkdtemp(join(tmpdir(), 'penstock-store-'))
after(() => rm(folder, { recursive: true }))

objectStoreSuite('mem://', () => openStore('mem://'))
objectStoreSuite('file://', () => openStore(pathToFileURL(join(folder, 'bucket')).href))
objectStoreSuite('file:// without fsync', () => openStore(pathToFileURL(join(folder, 'fast')).href, { fsync: false }))

describe('a file store', () => {
  it('removes files that a dead process left unfinished, and does not list them', async () => {
    const root = join(folder, 'abandoned')
    await mkdir(join(root, '.tmp'), { recursive: true })
    await writeFile(join(root, '.tmp', 'old'), 'half')
    await writeFile(join(root, '.tmp', 'young'), 'half')
    await utimes(join(root, '.tmp', 'old'), 0, 0)
    const store = await openStore(pathToFileURL(root).href)
    assert.deepEqual(await readdir(join(root, '.tmp')), ['young'])
    assert.deepEqual(await store.list(), [])
    await assert.rejects(store.get('.tmp/young'), { code: 'invalid_key' })
  })

  it('keeps a reserve of free disk space for writes that free space', async () => {
    const { bavail, bsize } = await statfs(folder)
    const store = await openFileStore(join(folder, 'reserved'), { reserveBytes: bavail * bsize * 1.5 })
    await assert.rejects(store.put('a', [Buffer.alloc(8)]), { code: 'full' })
    await store.put('a', [Buffer.alloc(8)], { purpose: 'freeing' })
    assert.equal((await store.get('a')).length, 8)
    await store.delete(['a'])
    const fuller = await openFileStore(join(folder, 'reserved'), { reserveBytes: bavail * bsize * 3 })
    await assert.rejects(fuller.put('a', [Buffer.alloc(8)], { purpose: 'freeing' }), { code: 'full' })
    assert.deepEqual(await readdir(join(folder, 'reserved', '.tmp')), [])
    const emptier = await openFileStore(join(folder, 'reserved'), { reserveBytes: bavail * bsize * 0.6 })
    await emptier.put('a', [Buffer.alloc(8)])
    await assert.rejects(emptier.put('b', [Buffer.alloc(8)], { purpose: 'deferrable' }), { code: 'full' })
  })

  it('leaves no empty folders behind', async () => {
    const root = join(folder, 'tidy')
    const store = await openStore(pathToFileURL(root).href)
    await store.put('a/b/c', [Buffer.from('x')])
    await store.delete(['a/b/c'])
    assert.deepEqual(await readdir(root), ['.tmp'])
  })
})

describe('a memory store', () => {
  it('can have a maximum size', async () => {
    const store = openMemoryStore({ maxBytes: 10 })
    await store.put('a', [Buffer.alloc(8)])
    await assert.rejects(store.put('b', [Buffer.alloc(3)]), { code: 'full' })
    await store.put('a', [Buffer.alloc(10)])
    await store.delete(['a'])
    await store.put('b', [Buffer.alloc(10)])
  })
})

describe('openStore', () => {
  it('rejects unknown URLs', async () => {
    for (const url of ['', 'bucket', 'ftp://x', 's4://bucket', 'mem://x?max_bytes=none']) {
      await assert.rejects(openStore(url), error => error instanceof StorageError && error.code === 'invalid_url')
    }
  })
})
