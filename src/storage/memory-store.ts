import { StorageError } from './errors.ts'
import { checkKey, rangeLength, type ObjectStore, totalBytes } from './object-store.ts'

export interface MemoryStoreOptions {
  /** Maximum total size of all objects in bytes; a put beyond it fails with `full`. Unlimited by default. */
  readonly maxBytes?: number
}

/** A bucket in this process's memory, for the playground and tests. It lives as long as it is referenced. */
export function openMemoryStore(options: MemoryStoreOptions = {}): ObjectStore {
  const objects = new Map<string, Buffer>()
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
  let usedBytes = 0

  return {
    url: 'mem://',

    async put(key, body, { ifAbsent = false } = {}, signal) {
      signal?.throwIfAborted()
      checkKey(key)
      const replaced = objects.get(key)
      if (ifAbsent && replaced) throw new StorageError('already_exists', `${key} already exists`)
      const growthBytes = totalBytes(body) - (replaced?.byteLength ?? 0)
      if (usedBytes + growthBytes > maxBytes) {
        throw new StorageError('full', `the memory store is limited to ${maxBytes} bytes`)
      }
      usedBytes += growthBytes
      objects.set(key, Buffer.concat(body))
    },

    readsInto: true,

    async get(key, range, signal, into) {
      signal?.throwIfAborted()
      checkKey(key)
      const object = objects.get(key)
      if (!object) throw new StorageError('not_found', `there is no object ${key}`)
      if (!range) return Buffer.from(object)
      const length = rangeLength(key, range, object.byteLength)
      const bytes = object.subarray(range.position, range.position + length)
      if (into === undefined) return Buffer.from(bytes)
      bytes.copy(into)
      return length < into.length ? into.subarray(0, length) : into
    },

    async delete(keys, signal) {
      signal?.throwIfAborted()
      for (const key of keys) {
        checkKey(key)
        usedBytes -= objects.get(key)?.byteLength ?? 0
        objects.delete(key)
      }
    },

    async capacity() {
      if (!Number.isFinite(maxBytes)) return null
      return { totalBytes: maxBytes, usableBytes: maxBytes - usedBytes }
    },

    async list({ prefix = '', after = '', limit = 1000 } = {}, signal) {
      signal?.throwIfAborted()
      return [...objects]
        .filter(([key]) => key.startsWith(prefix) && key > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, body]) => ({ key, sizeBytes: body.byteLength }))
    },

    async close() {
      objects.clear()
      usedBytes = 0
    },
  }
}
