import { open } from 'node:fs/promises'

/** The alignment in bytes that disks require for the offset, size and memory address of direct I/O. */
export const DISK_BLOCK_BYTES = 4096
/** Reads and writes of at least this many bytes gain from bypassing the page cache. */
export const DIRECT_BYTES = 256 * 1024

const PAGE_BYTES = 64 * 1024
/** A thread of Node's pool is busy for 0.3 to 3 ms with each piece of this size. */
const POPULATE_BYTES = 1024 * 1024

type MemoryConstructor = new (limits: {
  readonly initial: number
  readonly maximum: number
  readonly shared: true
}) => { readonly buffer: ArrayBufferLike }

/**
 * Allocates memory that a store can write without copying: it is shared with the store's threads and page-aligned, as
 * direct I/O requires. The garbage collector does not account for it, so callers must bound the total and reuse it.
 */
export function directMemory(sizeBytes: number): Buffer {
  const pages = Math.ceil(sizeBytes / PAGE_BYTES)
  // Missing from Node's types, but present in every version of Node that we support.
  const { Memory } = (globalThis as unknown as { readonly WebAssembly: { readonly Memory: MemoryConstructor } })
    .WebAssembly
  try {
    // Other memory that a script can allocate has no alignment guarantee. Pages
    // take up memory once they are written to.
    return Buffer.from(new Memory({ initial: pages, maximum: pages, shared: true }).buffer, 0, sizeBytes)
  } catch (error) {
    // Thrown where the address space of a process is limited. Writes to files are then copied by the system.
    if (error instanceof RangeError) return Buffer.from(new SharedArrayBuffer(sizeBytes))
    throw error
  }
}

/**
 * Has the system provide the pages of unused memory, in another thread. Otherwise the first access to each page waits for
 * it: 0.3 s per GB, and up to 3 s on a virtual machine whose host has to find the memory first. Afterwards the memory
 * is zero; nobody may use it before. Best effort.
 */
export async function populate(memory: Uint8Array): Promise<void> {
  try {
    await using zeros = await open('/dev/zero')
    for (let at = 0; at < memory.byteLength; at += POPULATE_BYTES) {
      await zeros.read(memory, at, Math.min(POPULATE_BYTES, memory.byteLength - at), null)
    }
  } catch {
    // Without this device the first access takes its time.
  }
}

/** Whether direct I/O is possible, without going through the page cache. */
export function isDirectMemory({ buffer, byteOffset }: Uint8Array): boolean {
  return buffer instanceof SharedArrayBuffer && byteOffset % DISK_BLOCK_BYTES === 0
}
