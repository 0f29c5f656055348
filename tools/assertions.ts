// A type assertion (`x as T`) is a promise that the compiler does not check: each must say why it holds, in a comment
// on one of its lines or on the line above.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { parseSync } from 'oxc-parser'
import { isRecord } from '../src/base/index.ts'

/** Findings `file:line: what is wrong` in the whole tree. */
export function checkAssertions(): string[] {
  const { stdout } = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '--', '*.ts', '*.tsx'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  // Generated files are made from sources that are checked.
  const files = stdout.split('\n').filter(file => file !== '' && !/\.gen\.tsx?$/.test(file) && existsSync(file))
  return files.toSorted().flatMap(file => findingsOf(file, readFileSync(file, 'utf8')))
}

/** Findings in one file. */
export function findingsOf(file: string, text: string): string[] {
  if (!/\bas\b|</.test(text)) return []
  const { program, comments } = parseSync(file, text)
  const lineOf = lineFinder(text)
  const commented = new Set<number>()
  for (const { start, end } of comments) for (let line = lineOf(start); line <= lineOf(end); line++) commented.add(line)
  const findings: string[] = []
  visit(program, node => {
    const type = assertedType(node)
    if (type === undefined || text.slice(type.start, type.end) === 'const') return
    const line = lineOf(type.start)
    const first = lineOf(node.start)
    if ([line, first, first - 1].some(each => commented.has(each))) return
    findings.push(
      `${file}:${line}: \`as ${text.slice(type.start, type.end)}\` needs its reason beside it, or a guard or helper in its place`,
    )
  })
  return findings
}

interface Place {
  readonly start: number
  readonly end: number
}

type Node = Place & Readonly<Record<string, unknown>>

function assertedType(node: Node): Place | undefined {
  if (node['type'] !== 'TSAsExpression' && node['type'] !== 'TSTypeAssertion') return undefined
  const type = node['typeAnnotation']
  return isNode(type) ? type : undefined
}

function isNode(value: unknown): value is Node {
  return isRecord(value) && typeof value['start'] === 'number' && typeof value['end'] === 'number'
}

function visit(value: unknown, look: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, look)
    return
  }
  if (!isNode(value)) return
  look(value)
  for (const child of Object.values(value)) visit(child, look)
}

/** Returns a function from an offset to its line number, from 1. */
function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return offset => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
}
