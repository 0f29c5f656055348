import { Fault } from './fault.ts'
import { type ImportSource, parseMappingText } from './mapping-parser.ts'
import type { Catalog } from './query-parser.ts'

const MOST_FAULTS = 10
const LONGEST_TEXT = 200_000

/**
 * The faults after the first one: the statement that a fault is in is blanked out, places and all, and the rest is parsed
 * again. A fault counts only where it lies after the last one, so that nothing is reported twice.
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
    rest = withoutStatement(rest, last)
    if (rest.trim() === '') return faults
    const next = parseMappingText(rest, catalog, imports)
    if (!(next instanceof Fault) || next.at <= last.at) return faults
    faults.push(next)
    last = next
  }
  return faults
}

const STATEMENT = /^(?:(?:let|meta|map|import|if)\s|[A-Za-z0-9_]+(?:\.[^\s=.]*)*\s+=\s)/

/**
 * The text with blanks in the place of the statement that a fault is in. Where the fault is a bracket that was left open, the
 * line on which it shows is already the next statement and stays.
 */
function withoutStatement(text: string, fault: Fault): string {
  const start = lineStart(text, fault.statementAt ?? fault.at)
  const line = lineStart(text, fault.at)
  const isNext = line > start && STATEMENT.test(text.slice(line, line + 200))
  const lineEnd = text.indexOf('\n', fault.at)
  const end = isNext ? line : lineEnd === -1 ? text.length : lineEnd
  return text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ') + text.slice(end)
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
}
