import { systemRandom, uuid } from '../base/index.ts'
import { StorageError } from './errors.ts'
import type { ObjectStore } from './object-store.ts'

/**
 * Checks at start that a bucket is usable: it exists, and objects can be put, read by range, listed and deleted. Throws
 * the first error, which names the bucket and the refused operation.
 */
export async function probeStore(store: ObjectStore, signal?: AbortSignal): Promise<void> {
  const key = `probe/${uuid(systemRandom)}`
  const body = Buffer.from(key)
  await store.put(key, [body], {}, signal)
  try {
    const read = await store.get(key, { position: 6, length: 8 }, signal)
    if (!read.equals(body.subarray(6, 14))) throw unusable(store, 'a range that was read differs from what was put')
    const listed = await store.list({ prefix: key }, signal)
    if (listed.length !== 1) throw unusable(store, 'an object that was put is not listed')
  } finally {
    await store.delete([key])
  }
}

function unusable(store: ObjectStore, reason: string): StorageError {
  return new StorageError('failed', `the bucket ${store.url} cannot be used: ${reason}`)
}
