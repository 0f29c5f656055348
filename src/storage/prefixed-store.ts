import type { ObjectStore } from './object-store.ts'

/** Presents a folder of a bucket as a bucket. `prefix` has no trailing slash. */
export function prefixedStore(store: ObjectStore, prefix: string): ObjectStore {
  const inside = (key: string) => `${prefix}/${key}`
  return {
    url: store.url,
    put: (key, body, options, signal) => store.put(inside(key), body, options, signal),
    ...(store.readsInto !== undefined && { readsInto: store.readsInto }),
    ...(store.blockBytes !== undefined && { blockBytes: store.blockBytes }),
    ...(store.readsAreFree !== undefined && { readsAreFree: store.readsAreFree }),
    get: (key, range, signal, into) => store.get(inside(key), range, signal, into),
    delete: (keys, signal) => store.delete(keys.map(inside), signal),
    list: async (options = {}, signal) => {
      const { prefix: wanted = '', after, ...rest } = options
      const found = await store.list(
        { ...rest, prefix: inside(wanted), ...(after !== undefined && { after: inside(after) }) },
        signal,
      )
      return found.map(({ key, sizeBytes }) => ({ key: key.slice(prefix.length + 1), sizeBytes }))
    },
    close: () => store.close(),
  }
}
