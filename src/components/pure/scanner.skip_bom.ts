import { defineScanner, field } from '../../engine/index.ts'
import { derivedSource } from './reading.ts'

const MARKS = [
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe, 0, 0],
  [0, 0, 0xfe, 0xff],
  [0xfe, 0xff],
  [0xff, 0xfe],
]

export default defineScanner({
  name: 'skip_bom',
  categories: ['Utility'],
  summary: 'Skips a byte order mark at the beginning of a source.',
  config: field.object({ into: field.scanner('The scanner for the rest.').default({ to_the_end: {} }) }),
  async create({ into }, resources) {
    const inner = await resources.scanner(into)
    return {
      scan(source) {
        let isFirst = true
        return inner.scan(
          derivedSource(source, async () => {
            const piece = await source.read()
            if (!isFirst || piece === null) return piece
            isFirst = false
            const mark = MARKS.find(bytes => bytes.every((byte, index) => piece[index] === byte))
            return mark === undefined ? piece : piece.subarray(mark.length)
          }),
        )
      },
    }
  },
})
