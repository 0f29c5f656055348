import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { until } from '../base/until.suite.ts'
import { DIRECT_BYTES, directMemory, DISK_BLOCK_BYTES } from './direct-memory.ts'
import { FileThreads } from './file-threads.ts'

const root = await mkdtemp(join(tmpdir(), 'penstock-threads-'))
after(() => rm(root, { recursive: true }))

describe('threads for files', () => {
  const files = new FileThreads()
  let number = 0
  afterEach(() =>
    assert.deepEqual(
      readdirSync(root).filter(name => name.startsWith('t')),
      [],
    ),
  )

  const write = (path: string, ...pieces: (string | Uint8Array)[]) =>
    files.write(
      { temporary: join(root, `t${number++}`), path: join(root, path), fsync: true },
      pieces.map(piece => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
    )
  /** Waits until a thread has written the file: before the first one has started, writes are declined. */
  async function written(path: string, ...pieces: string[]): Promise<void> {
    while (!(await write(path, ...pieces))) await new Promise(resolve => setTimeout(resolve, 5))
  }

  it('write a file of several pieces', { timeout: 60_000 }, async () => {
    await written('one', 'a', '', 'bc')
    assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'abc')
    assert.equal(await write('one', 'another'), true)
    assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'another')
  })

  it('write all files requested at once', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `many-${index}`)
    const outcomes = await Promise.all(names.map(name => write(name, name)))
    assert.deepEqual(outcomes, Array(20).fill(true))
    for (const name of names) assert.equal(readFileSync(join(root, name), 'utf8'), name)
  })

  it('write direct memory, whatever its alignment', async () => {
    const memory = directMemory(2 * DIRECT_BYTES)
    for (let index = 0; index < memory.length; index += 4) memory.writeUInt32LE(index, index)
    for (const [from, to] of [
      [0, DIRECT_BYTES],
      [DISK_BLOCK_BYTES, 2 * DIRECT_BYTES - 1],
      [0, DIRECT_BYTES + 1],
      [17, DIRECT_BYTES + 17],
      [0, 3],
    ] as const) {
      assert.equal(await write('direct', memory.subarray(from, to), 'the end'), true)
      assert.deepEqual(
        readFileSync(join(root, 'direct')),
        Buffer.concat([memory.subarray(from, to), Buffer.from('the end')]),
        `${from} to ${to}`,
      )
    }
  })

  it('read ranges into direct memory, up to the end of the file', { timeout: 60_000 }, async () => {
    const content = Buffer.from(Uint32Array.from({ length: DIRECT_BYTES / 2 }, (_, index) => index).buffer)
    writeFileSync(join(root, 'ranges'), content.subarray(0, -5))
    const sizeBytes = content.length - 5
    const memory = directMemory(4 * DIRECT_BYTES)
    const read = async (position: number, length: number, offset = 0) => {
      const into = memory.fill(0xff).subarray(offset, offset + length)
      const bytesRead = await files.read(join(root, 'ranges'), position, into)
      return bytesRead === undefined ? undefined : into.subarray(0, bytesRead)
    }
    while ((await read(0, DIRECT_BYTES)) === undefined) await new Promise(resolve => setTimeout(resolve, 5))
    for (const [position, length, offset] of [
      [0, DIRECT_BYTES, 0],
      [DISK_BLOCK_BYTES, content.length - DISK_BLOCK_BYTES, 0],
      [content.length - DIRECT_BYTES, DIRECT_BYTES, DISK_BLOCK_BYTES],
      [1, DIRECT_BYTES, 0],
      [0, DIRECT_BYTES, 100],
      [sizeBytes - 2, DISK_BLOCK_BYTES, 7],
      [17, 3, 1],
      [sizeBytes, 10, 0],
    ] as const) {
      const bytes = await read(position, length, offset)
      const expected = content.subarray(position, Math.min(position + length, sizeBytes))
      assert.ok(bytes?.equals(expected), `${length} bytes at ${position}`)
      const after = memory.subarray(offset + length).subarray(0, DISK_BLOCK_BYTES)
      assert.ok(after.every(byte => byte === 0xff))
    }
    assert.equal(await read(sizeBytes + 1, 10), undefined, 'beyond the end')
    assert.equal(await files.read(join(root, 'none'), 0, memory), undefined)
    assert.equal(
      await files.read(join(root, 'ranges'), 0, Buffer.alloc(10)),
      undefined,
      'memory that threads do not see',
    )
  })

  it('decline writes that would need a copy', async () => {
    assert.equal(await write('large', Buffer.alloc(DIRECT_BYTES)), false)
    assert.equal(existsSync(join(root, 'large')), false)
  })

  it('leave nothing behind after a failed write, and keep working', async () => {
    assert.equal(await write('no/folder', 'a'), false)
    await mkdir(join(root, 'no'))
    assert.equal(await write('no/folder', 'a'), true)
  })

  it('release the memory of finished tasks', { timeout: 120_000 }, async () => {
    const sizeBytes = 128 * 1024 * 1024
    writeFileSync(join(root, 'large'), Buffer.alloc(sizeBytes, 1))
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const before = process.memoryUsage.rss()
    for (let round = 0; round < 8; round++) {
      const memory = directMemory(sizeBytes)
      const half = sizeBytes / 2
      await Promise.all([
        files.read(join(root, 'large'), 0, memory.subarray(0, half)),
        files.read(join(root, 'large'), half, memory.subarray(half)),
      ])
    }
    await until(() => {
      collectGarbage()
      return process.memoryUsage.rss() < before + 3 * sizeBytes
    }, process.memoryUsage)
  })

  it('write nothing more once they are closed', async () => {
    await files.close()
    assert.equal(await write('closed', 'a'), false)
    assert.equal(existsSync(join(root, 'closed')), false)
  })
})
