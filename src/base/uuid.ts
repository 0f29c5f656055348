import type { Random } from './random.ts'

/** A random UUID (version 4) in canonical text, lower case. */
export function uuid(random: Random): string {
  return uuidBytes(random)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** The 16 bytes of a random UUID (version 4). */
export function uuidBytes(random: Random): Buffer {
  const bytes = Buffer.from(random.bytes(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes
}
