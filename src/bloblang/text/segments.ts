import type { Value } from '../value.ts'

/** An array cut at the elements for which `splitsAt` holds; there is always one segment more than cuts. */
export function segments(array: readonly Value[], splitsAt: (element: Value, at: number) => boolean): Value[][] {
  const parts: Value[][] = [[]]
  for (const [at, element] of array.entries()) {
    if (splitsAt(element, at)) parts.push([])
    else parts.at(-1)!.push(element)
  }
  return parts
}
