import { getHeapStatistics } from 'node:v8'

/** Heap and buffers of this thread, in bytes. */
export function threadMemoryBytes(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}
