import type { Random } from './random.ts'

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Returns a random UUID (version 4) in canonical lower-case text. */
export function uuid(random: Random): string {
  return formatUuidV4(random.bytes(16))
}

/** Formats 16 random bytes as a UUID (version 4) in canonical text. */
export function formatUuidV4(random: Uint8Array): string {
  let text = ''
  for (let at = 0; at < 16; at++) {
    const byte = random[at]!
    text += hex[at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte]!
    if (at === 3 || at === 5 || at === 7 || at === 9) text += '-'
  }
  return text
}
