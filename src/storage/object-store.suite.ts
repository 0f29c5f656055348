import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { DIRECT_BYTES, directMemory, DISK_BLOCK_BYTES } from './direct-memory.ts'
import { StorageError, type StorageErrorCode } from './errors.ts'
import type { ObjectStore, Range } from './object-store.ts'

/** What every object store promises. */
export function objectStoreSuite(name: string, open: () => Promise<ObjectStore>): void {
  describe(`object store ${name}`, () => {
    let store: ObjectStore
    before(async () => {
      store = await open()
    })
    after(() => store.close())

    const text = async (key: string, range?: Range) => (await store.get(key, range)).toString()

    it('returns the pieces that were put, joined', async () => {
      await store.put('a/joined', [Buffer.from('one '), Buffer.alloc(0), Buffer.from('two')])
      assert.equal(await text('a/joined'), 'one two')
    })

    it('reads ranges', async () => {
      await store.put('a/range', [Buffer.from('0123456789')])
      assert.equal(await text('a/range', { position: 3, length: 4 }), '3456')
      assert.equal(await text('a/range', { position: 10, length: 0 }), '')
    })

    it('reads a range into a given buffer, if it can', async () => {
      await store.put('a/into', [Buffer.from('0123456789')])
      const into = Buffer.alloc(4)
      const bytes = await store.get('a/into', { position: 3, length: 4 }, undefined, into)
      assert.equal(bytes.toString(), '3456')
      assert.equal(bytes === into, store.readsInto === true)
    })

    it('reads large ranges into direct memory', async () => {
      const memory = directMemory(4 * DIRECT_BYTES)
      const body = Buffer.from(Uint32Array.from({ length: DIRECT_BYTES / 2 }, (_, index) => index).buffer)
      body.copy(memory)
      await store.put('a/direct', [memory.subarray(0, body.length), Buffer.from('the end')])
      const whole = Buffer.concat([body, Buffer.from('the end')])
      assert.ok((await store.get('a/direct')).equals(whole))
      for (const [position, length] of [
        [0, whole.length],
        [0, DIRECT_BYTES],
        [1, DIRECT_BYTES + 2 * DISK_BLOCK_BYTES],
        [DISK_BLOCK_BYTES - 1, whole.length - DISK_BLOCK_BYTES + 1],
        [whole.length - DIRECT_BYTES - 5, DIRECT_BYTES],
      ] as const) {
        for (const offset of [position % DISK_BLOCK_BYTES, 100]) {
          const into = memory.fill(0xff).subarray(offset, offset + length)
          const bytes = await store.get('a/direct', { position, length }, undefined, into)
          assert.ok(bytes.equals(whole.subarray(position, position + length)), `${length} bytes at ${position}`)
          // The end of the last block, of which only the beginning was requested.
          const after = memory.subarray(offset + length, offset + length + DISK_BLOCK_BYTES)
          assert.ok(after.every(byte => byte === 0xff))
        }
      }
    })

    it('reads the available part of a range that may exceed the object', async () => {
      await store.put('a/end', [Buffer.from('0123')])
      assert.equal(await text('a/end', { position: 2, length: 3, orLess: true }), '23')
      assert.equal(await text('a/end', { position: 0, length: 2, orLess: true }), '01')
      await assert.rejects(store.get('a/end', { position: 5, length: 3, orLess: true }), hasCode('out_of_range'))
    })

    it('reads the available part of a longer range into a given buffer', async () => {
      for (const into of [Buffer.alloc(20), directMemory(DISK_BLOCK_BYTES), directMemory(2 * DIRECT_BYTES)]) {
        for (const position of [0, 4]) {
          const range = { position, length: into.length, orLess: true }
          await store.put('a/into-end', [Buffer.from('0123456789')])
          assert.equal((await store.get('a/into-end', range, undefined, into)).toString(), '0123456789'.slice(position))
        }
      }
    })

    it('rejects a range beyond the end', async () => {
      await store.put('a/short', [Buffer.from('0123')])
      await assert.rejects(store.get('a/short', { position: 2, length: 3 }), hasCode('out_of_range'))
      await assert.rejects(store.get('a/short', { position: -1, length: 3 }), hasCode('out_of_range'))
    })

    it('stores an empty object', async () => {
      await store.put('a/empty', [])
      assert.equal((await store.get('a/empty')).byteLength, 0)
    })

    it('stores an object of many pieces', async () => {
      const pieces = Array.from({ length: 3000 }, (_, index) => Buffer.from(`${index},`))
      await store.put('a/pieces', pieces)
      assert.equal(await text('a/pieces'), Buffer.concat(pieces).toString())
    })

    it('stores a large object, whatever its pieces are', async () => {
      const body = Buffer.from(Uint8Array.from({ length: 3_500_000 }, (_, at) => (at * 7) % 251))
      const pieces = [body.subarray(0, 1), body.subarray(1, 2_500_000), body.subarray(2_500_000)]
      await store.put('a/large', pieces)
      assert.ok((await store.get('a/large')).equals(body))
    })

    it('reports that an object does not exist', async () => {
      await assert.rejects(store.get('a/none'), hasCode('not_found'))
      await assert.rejects(store.get('none/at/all', { position: 0, length: 1 }), hasCode('not_found'))
    })

    it('replaces an object', async () => {
      await store.put('a/twice', [Buffer.from('first')])
      await store.put('a/twice', [Buffer.from('2nd')])
      assert.equal(await text('a/twice'), '2nd')
    })

    it('puts only if absent, if asked to', async () => {
      await store.put('a/once', [Buffer.from('first')], { ifAbsent: true })
      await assert.rejects(store.put('a/once', [Buffer.from('2nd')], { ifAbsent: true }), hasCode('already_exists'))
      assert.equal(await text('a/once'), 'first')
    })

    it('lets exactly one of many conditional puts succeed', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) => store.put('a/race', [Buffer.from(`${index}`)], { ifAbsent: true })),
      )
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [`${index}`] : []))
      assert.deepEqual(winners, [await text('a/race')])
    })

    it('deletes an object, also repeatedly', async () => {
      await store.put('gone/deep/object', [Buffer.from('x')])
      await store.delete(['gone/deep/object', 'gone/never'])
      await store.delete(['gone/deep/object'])
      await assert.rejects(store.get('gone/deep/object'), hasCode('not_found'))
      await store.put('gone/deep/object', [Buffer.from('y')])
      assert.equal(await text('gone/deep/object'), 'y')
    })

    it('lists in key order, by prefix, after a key, up to a limit', async () => {
      const keys = ['l/a-b', 'l/a/1', 'l/a/2', 'l/a0', 'l/b/x', 'l0', 'm/a']
      for (const key of keys) await store.put(key, [Buffer.from(key)])
      const list = async (options: Parameters<ObjectStore['list']>[0]) =>
        (await store.list(options)).map(({ key }) => key)
      assert.deepEqual(await list({ prefix: 'l' }), ['l/a-b', 'l/a/1', 'l/a/2', 'l/a0', 'l/b/x', 'l0'])
      assert.deepEqual(await list({ prefix: 'l/a/' }), ['l/a/1', 'l/a/2'])
      assert.deepEqual(await list({ prefix: 'l', after: 'l/a/1' }), ['l/a/2', 'l/a0', 'l/b/x', 'l0'])
      assert.deepEqual(await list({ prefix: 'l', limit: 2 }), ['l/a-b', 'l/a/1'])
      assert.deepEqual(await list({ prefix: 'nothing' }), [])
      assert.deepEqual(await store.list({ prefix: 'l/a/1' }), [{ key: 'l/a/1', sizeBytes: 5 }])
    })

    it('rejects invalid keys, such as those that would leave the bucket', async () => {
      for (const key of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.', 'a b', 'a\0', 'ä', 'x'.repeat(1000)]) {
        await assert.rejects(store.put(key, []), hasCode('invalid_key'), key)
        await assert.rejects(store.get(key), hasCode('invalid_key'), key)
      }
    })

    it('serves many requests at once', async () => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const body = Buffer.alloc(1000 + index, index)
          await store.put(`many/${index % 5}/${index}`, [body])
          assert.deepEqual(await store.get(`many/${index % 5}/${index}`), body)
        }),
      )
      assert.equal((await store.list({ prefix: 'many/' })).length, 50)
    })

    it('does nothing once the signal has aborted', async () => {
      const aborted = AbortSignal.abort()
      await assert.rejects(store.put('a/aborted', [], {}, aborted), { name: 'AbortError' })
      await assert.rejects(store.get('a/aborted'), hasCode('not_found'))
    })
  })
}

function hasCode(code: StorageErrorCode) {
  return (error: unknown) => error instanceof StorageError && error.code === code
}
