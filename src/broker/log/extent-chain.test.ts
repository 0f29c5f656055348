import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Extent } from '../../metadata/index.ts'
import { chainExtents } from './extent-chain.ts'

function extent(key: string, baseOffset: number, lastOffset: number): Extent {
  const place = { partition: 1, position: 0, sizeBytes: 100, maxTimestamp: 0, appendTimestamp: -1 }
  return { key, baseOffset, lastOffset, ...place }
}

/** Formats a chain as text: keys of extents, and gaps as from-to. */
function chain(extents: readonly Extent[], start = 0): string[] {
  return chainExtents(extents, start).map(link =>
    link.kind === 'extent' ? link.extent.key : `${link.from}-${link.to}`,
  )
}

describe('the extents of a partition, reconstructed from a bucket', () => {
  it('are ordered by offset, whatever order they are found in', () => {
    assert.deepEqual(chain([extent('b', 5, 9), extent('a', 0, 4), extent('c', 10, 10)]), ['a', 'b', 'c'])
    assert.deepEqual(chain([]), [])
  })

  it('are the merged ones where both originals and merged ones exist', () => {
    const small = [extent('a', 0, 4), extent('b', 5, 9), extent('c', 10, 14)]
    assert.deepEqual(chain([...small, extent('merged', 0, 9)]), ['merged', 'c'])
  })

  it('never mix compacted extents with their sources, where their bounds differ', () => {
    const before = [extent('a', 0, 9), extent('b', 10, 19)]
    const compacted = [extent('x', 0, 3), extent('y', 4, 14), extent('z', 15, 19)]
    assert.deepEqual(chain([...before, ...compacted]), ['a', 'b'])
    assert.deepEqual(chain([before[1]!, ...compacted]), ['x', 'y', 'z'])
  })

  it('have gaps where no extent is left', () => {
    assert.deepEqual(chain([extent('a', 0, 4), extent('c', 10, 14)]), ['a', '5-10', 'c'])
    assert.deepEqual(chain([extent('c', 10, 14)], 7), ['7-10', 'c'])
  })

  it('begin with the one that contains the log start offset', () => {
    assert.deepEqual(chain([extent('a', 0, 9), extent('b', 10, 19)], 5), ['a', 'b'])
    assert.deepEqual(chain([extent('old', 0, 3), extent('b', 10, 19)], 10), ['b'])
  })
})
