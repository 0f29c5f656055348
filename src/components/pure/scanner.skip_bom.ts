import { Buffer } from 'node:buffer'
import { type ByteSource, defineScanner, field } from '../../engine/index.ts'
import { derivedSource } from './reading.ts'

const MARKS = [
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe, 0, 0],
  [0, 0, 0xfe, 0xff],
  [0xfe, 0xff],
  [0xff, 0xfe],
]
const LONGEST_MARK = 4

export default defineScanner({
  name: 'skip_bom',
  categories: ['Utility'],
  summary: 'Skips a byte order mark at the start of a source.',
  config: field.object({ into: field.scanner('The scanner for the rest.').default({ to_the_end: {} }) }),
  async create({ into }, resources) {
    const inner = await resources.scanner(into)
    return {
      scan(source) {
        let isFirst = true
        return inner.scan(
          derivedSource(source, async () => {
            if (!isFirst) return source.read()
            isFirst = false
            const piece = await beginningOf(source)
            if (piece === null) return null
            const mark = MARKS.find(bytes => bytes.every((byte, index) => piece[index] === byte))
            return mark === undefined ? piece : piece.subarray(mark.length)
          }),
        )
      },
    }
  },
})

/** Joins the first pieces of a source until they are as long as the longest byte order mark; null if it is empty. */
async function beginningOf(source: ByteSource): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  while (sizeBytes < LONGEST_MARK) {
    const piece = await source.read()
    if (piece === null) break
    pieces.push(piece)
    sizeBytes += piece.length
  }
  return pieces.length < 2 ? (pieces[0] ?? null) : Buffer.concat(pieces)
}
