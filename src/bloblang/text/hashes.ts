/** The hashes of the `hash` method that Node does not bring along. */
import { crc32 } from 'node:zlib'

/** Reversed polynomials of the three CRC-32 variants. */
const POLYNOMIALS = { Castagnoli: 0x82f63b78, Koopman: 0xeb31d82e } as const
export type Crc32Polynomial = 'IEEE' | keyof typeof POLYNOMIALS

const tables = new Map<number, Uint32Array>()

/** The CRC-32 of some bytes as an unsigned number. */
export function checksum32(bytes: Uint8Array, polynomial: Crc32Polynomial): number {
  if (polynomial === 'IEEE') return crc32(bytes)
  const table = crcTable(POLYNOMIALS[polynomial])
  let crc = -1
  for (const byte of bytes) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function crcTable(polynomial: number): Uint32Array {
  const known = tables.get(polynomial)
  if (known !== undefined) return known
  const table = Uint32Array.from({ length: 256 }, (_, index) => {
    let crc = index
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    return crc
  })
  tables.set(polynomial, table)
  return table
}

/** FNV-1, 32 bits. */
export function fnv32(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash, 0x01000193) ^ byte
  return hash >>> 0
}

/** The primes of xxHash for 64 bits, each as its high and its low half. */
const P1_HIGH = 0x9e3779b1 | 0
const P1_LOW = 0x85ebca87 | 0
const P2_HIGH = 0xc2b2ae3d | 0
const P2_LOW = 0x27d4eb4f | 0
const P3_HIGH = 0x165667b1 | 0
const P3_LOW = 0x9e3779f9 | 0
const P4_HIGH = 0x85ebca77 | 0
const P4_LOW = 0xc2b2ae63 | 0
const P5_HIGH = 0x27d4eb2f | 0
const P5_LOW = 0x165667c5 | 0

/** 64 bits in two halves, as big integers would be made anew by every step: that took five times as long. */
class Word {
  high: number
  low: number

  constructor(high: number, low: number) {
    this.high = high
    this.low = low
  }

  add(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0)
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0
    this.low = sum | 0
  }

  multiply(high: number, low: number): void {
    const left = this.low & 0xffff
    const right = low & 0xffff
    const top = this.low >>> 16
    const cross = top * right + (Math.imul(left, right) >>> 16)
    const middle = (cross & 0xffff) + left * (low >>> 16)
    const carried = Math.floor(cross / 65_536) + Math.floor(middle / 65_536)
    this.high = (Math.imul(this.high, low) + Math.imul(this.low, high) + Math.imul(top, low >>> 16) + carried) | 0
    this.low = Math.imul(this.low, low)
  }

  /** By less than 32 bits, to the left. */
  rotate(bits: number): void {
    const { high, low } = this
    this.high = (high << bits) | (low >>> (32 - bits))
    this.low = (low << bits) | (high >>> (32 - bits))
  }

  mix(high: number, low: number): void {
    this.high ^= high
    this.low ^= low
  }

  /** What an input does to a lane. */
  round(high: number, low: number): void {
    input.high = high
    input.low = low
    input.multiply(P2_HIGH, P2_LOW)
    this.add(input.high, input.low)
    this.rotate(31)
    this.multiply(P1_HIGH, P1_LOW)
  }
}

const input = new Word(0, 0)

/** xxHash, 64 bits, seed 0. */
export function xxhash64(bytes: Uint8Array): bigint {
  const hash = new Word(P5_HIGH, P5_LOW)
  const part = new Word(0, 0)
  let at = bytes.length >= 32 ? mixStripes(hash, part, bytes) : 0
  hash.add(0, bytes.length)
  for (; at + 8 <= bytes.length; at += 8) {
    part.high = part.low = 0
    part.round(word32(bytes, at + 4), word32(bytes, at))
    hash.mix(part.high, part.low)
    hash.rotate(27)
    hash.multiply(P1_HIGH, P1_LOW)
    hash.add(P4_HIGH, P4_LOW)
  }
  if (at + 4 <= bytes.length) {
    mixProduct(hash, part, word32(bytes, at), P1_HIGH, P1_LOW)
    hash.rotate(23)
    hash.multiply(P2_HIGH, P2_LOW)
    hash.add(P3_HIGH, P3_LOW)
    at += 4
  }
  for (; at < bytes.length; at++) {
    mixProduct(hash, part, bytes[at]!, P5_HIGH, P5_LOW)
    hash.rotate(11)
    hash.multiply(P1_HIGH, P1_LOW)
  }
  hash.low ^= hash.high >>> 1
  hash.multiply(P2_HIGH, P2_LOW)
  hash.mix(hash.high >>> 29, (hash.low >>> 29) | (hash.high << 3))
  hash.multiply(P3_HIGH, P3_LOW)
  return (BigInt(hash.high >>> 0) << 32n) | BigInt((hash.low ^ hash.high) >>> 0)
}

/** Takes in all whole stripes of 32 bytes; tells where they end. */
function mixStripes(hash: Word, part: Word, bytes: Uint8Array): number {
  // The lanes begin with P1 + P2, P2, 0 and -P1.
  const lanes = [
    new Word(P1_HIGH, P1_LOW),
    new Word(P2_HIGH, P2_LOW),
    new Word(0, 0),
    new Word(~P1_HIGH, ~P1_LOW + 1),
  ] as const
  lanes[0].add(P2_HIGH, P2_LOW)
  const [a, b, c, d] = lanes
  let at = 0
  for (; at + 32 <= bytes.length; at += 32) {
    a.round(word32(bytes, at + 4), word32(bytes, at))
    b.round(word32(bytes, at + 12), word32(bytes, at + 8))
    c.round(word32(bytes, at + 20), word32(bytes, at + 16))
    d.round(word32(bytes, at + 28), word32(bytes, at + 24))
  }
  hash.high = hash.low = 0
  for (const [index, bits] of ROTATIONS.entries()) {
    part.high = lanes[index]!.high
    part.low = lanes[index]!.low
    part.rotate(bits)
    hash.add(part.high, part.low)
  }
  for (const lane of lanes) {
    part.high = part.low = 0
    part.round(lane.high, lane.low)
    hash.mix(part.high, part.low)
    hash.multiply(P1_HIGH, P1_LOW)
    hash.add(P4_HIGH, P4_LOW)
  }
  return at
}

const ROTATIONS = [1, 7, 12, 18] as const

function mixProduct(hash: Word, part: Word, number: number, high: number, low: number): void {
  part.high = 0
  part.low = number
  part.multiply(high, low)
  hash.mix(part.high, part.low)
}

function word32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

const Q1 = 0x9e3779b1 | 0
const Q2 = 0x85ebca77 | 0
const Q3 = 0xc2b2ae3d | 0
const Q4 = 0x27d4eb2f | 0
const Q5 = 0x165667b1 | 0

/** xxHash, 32 bits, seed 0: the checksum of LZ4 frames. */
export function xxhash32(bytes: Uint8Array): number {
  let at = 0
  let hash = Q5
  if (bytes.length >= 16) {
    const lanes = [(Q1 + Q2) | 0, Q2 | 0, 0, -Q1 | 0]
    for (; at + 16 <= bytes.length; at += 16) {
      for (let lane = 0; lane < 4; lane++) {
        const sum = (lanes[lane]! + Math.imul(word32(bytes, at + 4 * lane), Q2)) | 0
        lanes[lane] = Math.imul(rotate32(sum, 13), Q1)
      }
    }
    hash = rotate32(lanes[0]!, 1) + rotate32(lanes[1]!, 7) + rotate32(lanes[2]!, 12) + rotate32(lanes[3]!, 18)
  }
  hash = (hash + bytes.length) | 0
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate32((hash + Math.imul(word32(bytes, at), Q3)) | 0, 17), Q4)
  }
  for (; at < bytes.length; at++) hash = Math.imul(rotate32((hash + Math.imul(bytes[at]!, Q5)) | 0, 11), Q1)
  hash = Math.imul(hash ^ (hash >>> 15), Q2)
  hash = Math.imul(hash ^ (hash >>> 13), Q3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function rotate32(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
