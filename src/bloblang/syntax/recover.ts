import { Fault } from './fault.ts'
import { type ImportSource, parseMappingText } from './mapping-parser.ts'
import type { Catalog } from './query-parser.ts'

const MOST_FAULTS = 10
const LONGEST_TEXT = 200_000

/**
 * The faults behind the first one: the statement that a fault is in is blanked out, places and all, and the rest is parsed
 * again. A fault counts only where it lies behind the last one, so that nothing is reported twice.
 */
export function furtherFaults(
  text: string,
  catalog: Catalog,
  imports: ImportSource | null,
  first: Fault,
): readonly Fault[] {
  const faults: Fault[] = []
  if (text.length > LONGEST_TEXT) return faults
  let rest = text
  let last = first
  while (faults.length < MOST_FAULTS) {
    rest = withoutStatement(rest, last.at)
    if (rest.trim() === '') return faults
    const next = parseMappingText(rest, catalog, imports)
    if (!(next instanceof Fault) || lineStart(rest, next.at) <= lineStart(rest, last.at)) return faults
    faults.push(next)
    last = next
  }
  return faults
}

const STATEMENT = /^(?:(?:let|meta|map|import|if)\s|[A-Za-z0-9_]+(?:\.[^\s=]+)*\s+=\s)/

/** The text with blanks in the place of the statement around a place, up to the end of its line. */
function withoutStatement(text: string, at: number): string {
  let start = lineStart(text, at)
  while (start > 0 && !STATEMENT.test(text.slice(start, start + 200))) start = lineStart(text, start - 1)
  const end = text.indexOf('\n', at)
  const blanked = text.slice(start, end === -1 ? text.length : end).replace(/[^\n]/g, ' ')
  return text.slice(0, start) + blanked + (end === -1 ? '' : text.slice(end))
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
}
