/** 32-bit checksums: CRC-32 in three variants, and FNV. */
import { crc32 } from 'node:zlib'

/** Reversed polynomials of the three CRC-32 variants. */
const POLYNOMIALS = { Castagnoli: 0x82f63b78, Koopman: 0xeb31d82e } as const
/** The names of the variants in `hash`. */
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
