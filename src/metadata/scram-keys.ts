import type { ScramKeys } from '../kafka/index.ts'
import type { StoredScramKeys } from './metadata.ts'

/** Converts keys to their stored form. */
export function storedScramKeys(keys: ScramKeys): StoredScramKeys {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  return {
    salt: text(keys.salt),
    iterations: keys.iterations,
    storedKey: text(keys.storedKey),
    serverKey: text(keys.serverKey),
  }
}

/** Converts stored keys to their usable form. */
export function usableScramKeys(stored: StoredScramKeys): ScramKeys {
  const bytes = (text: string) => Buffer.from(text, 'base64')
  return {
    salt: bytes(stored.salt),
    iterations: stored.iterations,
    storedKey: bytes(stored.storedKey),
    serverKey: bytes(stored.serverKey),
  }
}
