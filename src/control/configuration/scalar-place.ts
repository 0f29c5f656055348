/** A scalar of a YAML text: the line and column of its first character, from 1, and how it is written. */
export interface ScalarPlace {
  readonly line: number
  readonly column: number
  readonly style: 'plain' | 'single' | 'double' | 'literal' | 'folded'
}

interface Place {
  readonly line: number
  readonly column: number
}

/**
 * The position in the file of a character of a scalar's value: escapes, quotes, folded lines and indentation are in the
 * file but not in the value. `offset` counts UTF-16 units of the value from 0.
 */
export function placeInScalar(yaml: string, scalar: ScalarPlace, offset: number): Place {
  const start = lineStart(yaml, scalar.line) + scalar.column - 1
  const isBlock = scalar.style === 'literal' || scalar.style === 'folded'
  const at = isBlock
    ? inBlock(yaml, lineStart(yaml, scalar.line + 1), scalar.style === 'folded', offset)
    : inFlow(yaml, start, scalar.style, offset)
  const before = yaml.slice(0, at)
  const line = before.split('\n').length
  return { line, column: at - before.lastIndexOf('\n') }
}

function inFlow(yaml: string, start: number, style: ScalarPlace['style'], offset: number): number {
  let at = style === 'plain' ? start : start + 1
  let produced = 0
  while (produced < offset && at < yaml.length) {
    const folded = /^[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*/.exec(yaml.slice(at, at + 10_000))?.[0]
    if (folded !== undefined) {
      // A single line break becomes a space; of several, all but the first are kept.
      produced += Math.max(1, folded.split('\n').length - 2)
      at += folded.length
    } else if (style === 'double' && yaml[at] === '\\') {
      const escape = escapeAt(yaml, at)
      produced += escape.units
      at += escape.length
    } else {
      at += style === 'single' && yaml[at] === "'" ? 2 : 1
      produced++
    }
  }
  return at
}

/** An escape in a double-quoted text: its length in the file and the number of UTF-16 units that it stands for. */
function escapeAt(yaml: string, at: number): { length: number; units: number } {
  const lineBreak = /^\\\r?\n[ \t]*/.exec(yaml.slice(at, at + 1000))?.[0]
  if (lineBreak !== undefined) return { length: lineBreak.length, units: 0 }
  const digits = { x: 2, u: 4, U: 8 }[yaml[at + 1] ?? ''] ?? 0
  const isPair = digits === 8 && Number.parseInt(yaml.slice(at + 2, at + 10), 16) > 0xffff
  return { length: 2 + digits, units: isPair ? 2 : 1 }
}

function inBlock(yaml: string, start: number, isFolded: boolean, offset: number): number {
  const lines = yaml.slice(start).split('\n')
  const indentation = /^ */.exec(lines.find(line => line.trim() !== '') ?? '')?.[0].length ?? 0
  const isText = (line: string | undefined) =>
    line !== undefined && line.trim() !== '' && !/^\s/.test(line.slice(indentation))
  let at = start
  let produced = 0
  for (const [index, line] of lines.entries()) {
    const isBehind = line.trim() === '' ? index === lines.length - 1 : !line.startsWith(' '.repeat(indentation))
    if (isBehind) return Math.max(start, at - 1)
    const text = line.slice(indentation).replace(/\r$/, '')
    if (offset <= produced + text.length) return at + Math.min(indentation, line.length) + offset - produced
    // In a folded block, a break before empty lines is dropped unless the surrounding lines are indented further.
    const next = lines.slice(index + 1).find(one => one.trim() !== '')
    const vanishes = isFolded && isText(line) && lines[index + 1]?.trim() === '' && isText(next)
    produced += text.length + (vanishes ? 0 : 1)
    at += line.length + 1
  }
  return Math.min(at, yaml.length)
}

function lineStart(yaml: string, line: number): number {
  let at = 0
  for (let passed = 1; passed < line; passed++) {
    const next = yaml.indexOf('\n', at)
    if (next === -1) return yaml.length
    at = next + 1
  }
  return at
}
