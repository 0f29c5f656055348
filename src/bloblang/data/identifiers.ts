import { MappingError } from '../errors.ts'
import { bigEndian32 } from '../text/words.ts'

/** Formats of random identifiers. Bytes and times are arguments, so that equal input gives equal text. */

const KSUID_EPOCH_SECONDS = 1_400_000_000
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A KSUID: four bytes of seconds since May 2014 and 16 random bytes, in base 62. */
export function formatKsuid(unixSeconds: number, random: Uint8Array): string {
  const words = [
    (unixSeconds - KSUID_EPOCH_SECONDS) >>> 0,
    bigEndian32(random, 0),
    bigEndian32(random, 4),
    bigEndian32(random, 8),
    bigEndian32(random, 12),
  ]
  let first = 0
  // Three digits per division, which keeps intermediate values well below 2^53.
  for (let digit = 24; digit >= 0; digit -= 3) {
    let rest = 0
    while (first < 4 && words[first] === 0) first++
    for (let at = first; at < 5; at++) {
      const value = rest * 2 ** 32 + words[at]!
      words[at] = Math.floor(value / BASE62_CUBED)
      rest = value - words[at]! * BASE62_CUBED
    }
    ksuidCodes[digit] = BASE62_CODES[Math.floor(rest / 3844)]!
    ksuidCodes[digit + 1] = BASE62_CODES[Math.floor(rest / 62) % 62]!
    ksuidCodes[digit + 2] = BASE62_CODES[rest % 62]!
  }
  return String.fromCharCode(...ksuidCodes)
}

const BASE62_CODES = Uint8Array.from(BASE62, character => character.charCodeAt(0))
const ksuidCodes: number[] = Array.from({ length: 27 }, () => 0)
const BASE62_CUBED = 62 ** 3

/** The 16 bytes of a ULID: six of milliseconds, then ten random ones. */
export function ulidBytes(unixMs: number, random: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16)
  let rest = unixMs
  for (let at = 5; at >= 0; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  for (let at = 0; at < 10; at++) bytes[at + 6] = random[at]!
  return bytes
}

/** A ULID in Crockford's base 32. */
export function formatUlid(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  // 26 characters hold 130 bits, two more than needed.
  let count = 2
  for (let at = 0; at < 16; at++) {
    bits = ((bits << 8) | bytes[at]!) & 0xffff
    for (count += 8; count >= 5; ) {
      count -= 5
      text += CROCKFORD[(bits >> count) & 31]!
    }
  }
  return text
}

/** A random text over an alphabet; random bytes that would favour some characters are discarded. */
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

/** Rejects a length that would not fit in memory. */
export function checkLength(length: bigint): number {
  if (length > MAX_LENGTH) throw new MappingError(`a length of ${length} is more than the limit of ${MAX_LENGTH}`)
  return Number(length)
}

const MAX_LENGTH = 1_000_000n
