/** What disks want the place, the size and the memory of a direct read or write to be multiples of. */
export const DISK_BLOCK_BYTES = 4096
/** From this size on it is worth while to read and write past the memory in which the system keeps files. */
export const DIRECT_BYTES = 256 * 1024

const PAGE_BYTES = 64 * 1024

type MemoryConstructor = new (limits: {
  readonly initial: number
  readonly maximum: number
  readonly shared: true
}) => { readonly buffer: ArrayBufferLike }

/**
 * Memory from which a store can write without copying: its threads see it too, and it begins at the start of a page, as the
 * disk wants it. The garbage collector does not count it: whoever takes it limits how much there is, and uses it again.
 */
export function directMemory(sizeBytes: number): Buffer {
  const pages = Math.ceil(sizeBytes / PAGE_BYTES)
  // Every version of Node that this runs on has it; the types of Node leave it out.
  const { Memory } = (globalThis as unknown as { readonly WebAssembly: { readonly Memory: MemoryConstructor } })
    .WebAssembly
  try {
    // Other memory of a script begins anywhere. Pages take room once they are written to.
    return Buffer.from(new Memory({ initial: pages, maximum: pages, shared: true }).buffer, 0, sizeBytes)
  } catch (error) {
    // Where the addresses of a process are limited: files are written with a copy by the system then.
    if (error instanceof RangeError) return Buffer.from(new SharedArrayBuffer(sizeBytes))
    throw error
  }
}

/** Whether a disk can read or write from `start` on without the system's own memory in between. */
export function isDirectMemory({ buffer, byteOffset }: Uint8Array, start: number): boolean {
  return buffer instanceof SharedArrayBuffer && (byteOffset + start) % DISK_BLOCK_BYTES === 0
}
