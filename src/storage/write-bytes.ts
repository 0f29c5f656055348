/**
 * No write to a file is larger: Linux takes memory for the pages of a larger one in pieces of 2 MiB and more, which costs
 * seven times as much where a virtual machine has given such memory back to its host (16 MiB: 27 ms of processor time, or 3.7).
 */
export const WRITE_BYTES = 1024 * 1024
