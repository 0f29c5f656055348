import { Fault } from './fault.ts'
import { type ImportSource, parseMappingText } from './mapping-parser.ts'
import type { Catalog } from './query-parser.ts'

const MOST_FAULTS = 10
const LONGEST_TEXT = 200_000

/**
 * The faults after the first one: the statement containing a fault is blanked out, preserving positions, and the text
 * is parsed again. A fault only counts if it comes after the last one, so that none is reported twice.
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
 * The text with the statement that contains a fault blanked out. If the fault is an unclosed bracket, the line on which
 * it is detected is already the next statement and is kept.
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
