import { totalmem } from 'node:os'

const MIB = 1024 * 1024
const SMALLEST_BYTES = 256 * MIB
/** The share of all memory for the caches of all processes of an agent, except on small machines. */
const SHARE = 1 / 8

/**
 * The size of a broker's cache of recently written and read records, in bytes, if this many brokers share the machine
 * or container. The system caches none of it (docs/adr/0016-object-stores.md).
 */
export function cacheBytes(processes: number, memoryBytes = memoryHere()): number {
  const bytes = Math.floor((memoryBytes * SHARE) / processes)
  return Math.max(bytes, SMALLEST_BYTES)
}

function memoryHere(): number {
  // Without a limit this is 0 or more than the machine has.
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
