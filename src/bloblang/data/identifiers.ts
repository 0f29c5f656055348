import { MappingError } from '../errors.ts'

/** Texts of random identifiers. Bytes and times are given, so that the same ones make the same text. */

const KSUID_EPOCH_SECONDS = 1_400_000_000
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A version 4 UUID of 16 random bytes. */
export function formatUuidV4(random: Uint8Array): string {
  const bytes = Uint8Array.from(random)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Buffer.from(bytes).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** A KSUID: four bytes of seconds since May 2014, 16 random ones, in base 62. */
export function formatKsuid(unixSeconds: number, random: Uint8Array): string {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32BE((unixSeconds - KSUID_EPOCH_SECONDS) >>> 0)
  bytes.set(random.subarray(0, 16), 4)
  return inAlphabet(BigInt(`0x${bytes.toString('hex')}`), BASE62, 27)
}

/** The 16 bytes of a ULID: six of milliseconds, ten random ones. */
export function ulidBytes(unixMs: number, random: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(unixMs, 0, 6)
  bytes.set(random.subarray(0, 10), 6)
  return bytes
}

/** A ULID in Crockford's base 32. */
export function formatUlid(bytes: Uint8Array): string {
  return inAlphabet(BigInt(`0x${Buffer.from(bytes).toString('hex')}`), CROCKFORD, 26)
}

/** A random text over an alphabet; random bytes that would favour some characters are thrown away. */
export function randomText(
  alphabet: readonly string[],
  length: number,
  randomBytes: (count: number) => Uint8Array,
): string {
  let mask = 1
  while (mask < alphabet.length - 1) mask = mask * 2 + 1
  let text = ''
  for (let count = 0; count < length; ) {
    for (const byte of randomBytes(Math.min(length - count + 8, 1024))) {
      const character = alphabet[byte & mask]
      if (character === undefined || count === length) continue
      text += character
      count++
    }
  }
  return text
}

/** Refuses a length that would not fit in memory. */
export function checkLength(length: bigint): number {
  if (length > MAX_LENGTH) throw new MappingError(`a length of ${length} is more than the limit of ${MAX_LENGTH}`)
  return Number(length)
}

const MAX_LENGTH = 1_000_000n

function inAlphabet(number: bigint, alphabet: string, width: number): string {
  const base = BigInt(alphabet.length)
  let text = ''
  for (let rest = number; rest > 0n; rest /= base) text = alphabet[Number(rest % base)]! + text
  return text.padStart(width, alphabet[0])
}
