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

const MASK = 0xffffffffffffffffn
const P1 = 0x9e3779b185ebca87n
const P2 = 0xc2b2ae3d27d4eb4fn
const P3 = 0x165667b19e3779f9n
const P4 = 0x85ebca77c2b2ae63n
const P5 = 0x27d4eb2f165667c5n

/** xxHash, 64 bits, seed 0. */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let hash = P5
  if (bytes.length >= 32) {
    let a = (P1 + P2) & MASK
    let b = P2
    let c = 0n
    let d = -P1 & MASK
    for (; at + 32 <= bytes.length; at += 32) {
      a = round(a, view.getBigUint64(at, true))
      b = round(b, view.getBigUint64(at + 8, true))
      c = round(c, view.getBigUint64(at + 16, true))
      d = round(d, view.getBigUint64(at + 24, true))
    }
    hash = (rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n)) & MASK
    for (const lane of [a, b, c, d]) hash = ((hash ^ round(0n, lane)) * P1 + P4) & MASK
  }
  hash = (hash + BigInt(bytes.length)) & MASK
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & MASK
  }
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((BigInt(view.getUint32(at, true)) * P1) & MASK), 23n) * P2 + P3) & MASK
    at += 4
  }
  for (; at < bytes.length; at++) hash = (rotate(hash ^ ((BigInt(bytes[at]!) * P5) & MASK), 11n) * P1) & MASK
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK
  return hash ^ (hash >> 32n)
}

function round(lane: bigint, input: bigint): bigint {
  return (rotate((lane + input * P2) & MASK, 31n) * P1) & MASK
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK
}

const Q1 = 0x9e3779b1
const Q2 = 0x85ebca77
const Q3 = 0xc2b2ae3d
const Q4 = 0x27d4eb2f
const Q5 = 0x165667b1

/** xxHash, 32 bits, seed 0: the checksum of LZ4 frames. */
export function xxhash32(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  let hash = Q5
  if (bytes.length >= 16) {
    const lanes = [(Q1 + Q2) | 0, Q2 | 0, 0, -Q1 | 0]
    for (; at + 16 <= bytes.length; at += 16) {
      for (let lane = 0; lane < 4; lane++) {
        const sum = (lanes[lane]! + Math.imul(view.getUint32(at + 4 * lane, true), Q2)) | 0
        lanes[lane] = Math.imul(rotate32(sum, 13), Q1)
      }
    }
    hash = rotate32(lanes[0]!, 1) + rotate32(lanes[1]!, 7) + rotate32(lanes[2]!, 12) + rotate32(lanes[3]!, 18)
  }
  hash = (hash + bytes.length) | 0
  for (; at + 4 <= bytes.length; at += 4) {
    hash = Math.imul(rotate32((hash + Math.imul(view.getUint32(at, true), Q3)) | 0, 17), Q4)
  }
  for (; at < bytes.length; at++) hash = Math.imul(rotate32((hash + Math.imul(bytes[at]!, Q5)) | 0, 11), Q1)
  hash = Math.imul(hash ^ (hash >>> 15), Q2)
  hash = Math.imul(hash ^ (hash >>> 13), Q3)
  return (hash ^ (hash >>> 16)) >>> 0
}

function rotate32(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
