/**
 * Maximum size of a write to a file, in bytes. For larger writes Linux allocates page cache in units of 2 MiB
 * and more, which costs seven times as much where a virtual machine has returned that memory to its host (16
 * MiB: 27 ms of processor time instead of 3.7).
 */
export const WRITE_BYTES = 1024 * 1024
