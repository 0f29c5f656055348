import type { Value } from '../value.ts'

/** Splits an array at the elements for which `splitsAt` holds; there is always one more segment than splits. */
export function segments(array: readonly Value[], splitsAt: (element: Value, at: number) => boolean): Value[][] {
  const parts: Value[][] = [[]]
  for (const [at, element] of array.entries()) {
    if (splitsAt(element, at)) parts.push([])
    else parts.at(-1)!.push(element)
  }
  return parts
}
