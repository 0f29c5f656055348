import type { Extent } from '../../metadata/index.ts'

/** An extent of a chain, or a gap of offsets that no extent covers. */
export type Link =
  | { readonly kind: 'extent'; readonly extent: Extent }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }

/**
 * Chooses extents that cover the offsets from `start` on, each offset once. Several may have the same offsets, because
 * merged or compacted extents exist beside their sources. Among chains that cover the same offsets the one with the
 * fewest bytes wins, as the compacted one, then the one with the fewest extents, as the merged one.
 */
export function chainExtents(extents: readonly Extent[], start: number): Link[] {
  const usable = extents.filter(({ lastOffset }) => lastOffset >= start)
  const byBase = Map.groupBy(usable, ({ baseOffset }) => baseOffset)
  const bases = [...byBase.keys()].toSorted((a, b) => a - b)
  const links: Link[] = []
  let from = start
  // The first extent may begin before the log's start, which can be anywhere inside it.
  const covering = usable.filter(({ baseOffset }) => baseOffset < start).toSorted((a, b) => b.lastOffset - a.lastOffset)
  const first = covering.find(({ lastOffset }) => byBase.has(lastOffset + 1)) ?? covering[0]
  if (first !== undefined && !byBase.has(start)) {
    links.push({ kind: 'extent', extent: first })
    from = first.lastOffset + 1
  }
  for (;;) {
    const path = longestPath(byBase, bases, from)
    for (const extent of path) links.push({ kind: 'extent', extent })
    from = path.length === 0 ? from : path.at(-1)!.lastOffset + 1
    const next = bases.find(base => base > from)
    if (next === undefined) return links
    links.push({ kind: 'gap', from, to: next })
    from = next
  }
}

interface Reached {
  readonly sizeBytes: number
  readonly count: number
  readonly by: Extent | undefined
}

/** The extents from an offset that reach furthest without a gap, at the lowest cost. */
function longestPath(byBase: ReadonlyMap<number, readonly Extent[]>, bases: readonly number[], from: number): Extent[] {
  const reached = new Map<number, Reached>([[from, { sizeBytes: 0, count: 0, by: undefined }]])
  let furthest = from
  // Only larger offsets are reached from an offset, so in this order each is final when it is processed.
  for (const offset of bases) {
    if (!reached.has(offset)) continue
    const here = reached.get(offset)!
    for (const extent of byBase.get(offset) ?? []) {
      const next = extent.lastOffset + 1
      const way = { sizeBytes: here.sizeBytes + extent.sizeBytes, count: here.count + 1, by: extent }
      if (!isBetter(way, reached.get(next))) continue
      reached.set(next, way)
      furthest = Math.max(furthest, next)
    }
  }
  const path: Extent[] = []
  for (let offset = furthest; offset > from; ) {
    const { by } = reached.get(offset)!
    path.push(by!)
    offset = by!.baseOffset
  }
  return path.toReversed()
}

function isBetter(way: Reached, known: Reached | undefined): boolean {
  if (known === undefined || way.sizeBytes < known.sizeBytes) return true
  return way.sizeBytes === known.sizeBytes && way.count < known.count
}
