export { StorageError } from './errors.ts'
export type { ObjectStore } from './object-store.ts'

export { openMemoryStore } from './memory-store.ts'
export { openStore } from './open.ts'
export { prefixedStore } from './prefixed-store.ts'
export { probeStore } from './probe.ts'
