export { StorageError } from './errors.ts'
export type { ObjectStore } from './object-store.ts'

export { openMemoryStore } from './memory-store.ts'
export { openStore } from './open.ts'
