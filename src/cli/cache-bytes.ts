import { totalmem } from 'node:os'

const MIB = 1024 * 1024
const SMALLEST_BYTES = 256 * MIB
const LARGEST_BYTES = 512 * MIB
/** The share of all memory that the caches of all processes of an agent take at most, but for small machines. */
const SHARE = 1 / 8

/**
 * How much a broker may keep of what was written and read last, when so many of them share this machine, or container. The
 * system keeps none of it (docs/adr/0016-object-stores.md).
 */
export function cacheBytes(processes: number, memoryBytes = memoryHere()): number {
  const bytes = Math.floor((memoryBytes * SHARE) / processes)
  return Math.min(Math.max(bytes, SMALLEST_BYTES), LARGEST_BYTES)
}

function memoryHere(): number {
  // Without a limit this is more than there is, or nothing.
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
