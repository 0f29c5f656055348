export { StorageError } from './errors.ts'
export type { ObjectStore } from './object-store.ts'

export { openMemoryStore } from './memory-store.ts'
export { openStore } from './open.ts'
export { prefixedStore } from './prefixed-store.ts'
export { probeStore } from './probe.ts'
export { encodeAws, sha256, Signer } from './s3/sign.ts'
export { elements, elementText } from './xml.ts'
