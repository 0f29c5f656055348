import { messageOf } from '../../base/index.ts'
import { compileRe2, type MatchSpans, type Re2 } from '../../bloblang/index.ts'
import { JqError, type Json, preview, typedPreview } from './json.ts'

const MAX_PATTERNS = 100
const patterns = new Map<string, Re2>()

/** Compiles a pattern with the flags `g`, `i` and `m` (the dot matches newlines). */
function patternOf(pattern: string, flags: string): Re2 {
  if (/[^gim]/.test(flags)) throw new JqError(`unsupported regular expression flag: ${JSON.stringify(flags)}`)
  const named = pattern.replaceAll('(?<', '(?P<')
  const source = `${flags.includes('m') ? '(?s)' : ''}${flags.includes('i') ? '(?i)' : ''}${named}`
  const known = patterns.get(source)
  if (known !== undefined) return known
  const compiled = compiledFrom(source)
  if (patterns.size >= MAX_PATTERNS) patterns.clear()
  patterns.set(source, compiled)
  return compiled
}

function compiledFrom(source: string): Re2 {
  try {
    return compileRe2(source)
  } catch (error) {
    const message = messageOf(error)
    throw new JqError(`invalid regular expression ${JSON.stringify(source)}: ${message}`)
  }
}

/** The flags of a call; null means none. */
function flagsOf(name: string, value: Json, pattern: Json, flags: Json): readonly [string, string, string] {
  if (typeof value !== 'string' || typeof pattern !== 'string' || (flags !== null && typeof flags !== 'string')) {
    throw new JqError(`${name}(${preview(pattern)}; ${preview(flags)}) cannot be applied to: ${typedPreview(value)}`)
  }
  return [value, pattern, flags ?? '']
}

export function testsPattern(value: Json, pattern: Json, flags: Json): boolean {
  const [text, source, set] = flagsOf('test', value, pattern, flags)
  return patternOf(source, set).test(text)
}

/** A match, as `match` returns it; positions count characters. */
export interface Match {
  readonly offset: number
  readonly length: number
  readonly string: string
  readonly captures: readonly Json[]
}

export function matchesOf(value: Json, pattern: Json, flags: Json): readonly Match[] {
  const [text, source, set] = flagsOf('match', value, pattern, flags)
  const compiled = patternOf(source, set)
  if (set.includes('g')) return compiled.matchAll(text).map(spans => matchOf(text, compiled, spans))
  const spans = compiled.match(text)
  return spans === undefined ? [] : [matchOf(text, compiled, spans)]
}

function matchOf(text: string, { groupNames }: Re2, spans: MatchSpans): Match {
  const captures = groupNames.slice(1).map((name, index): Json => {
    const [start, end] = [spans[2 * index + 2]!, spans[2 * index + 3]!]
    const named = name === '' ? null : name
    if (start < 0) return { name: named, offset: -1, length: 0, string: null }
    return { name: named, ...placeOf(text, start, end) }
  })
  return { ...placeOf(text, spans[0]!, spans[1]!), captures }
}

function placeOf(text: string, start: number, end: number) {
  const string = text.slice(start, end)
  return { offset: lengthOf(text.slice(0, start)), length: lengthOf(string), string }
}

/** The number of characters in a string. */
export function lengthOf(text: string): number {
  let length = text.length
  for (let at = 0; at < text.length - 1; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xd800) length--
  return length
}

/** The named captures of a match as an object. */
export function capturedBy({ captures }: Match): Json {
  // As created by `matchOf`.
  const named = captures as readonly { readonly name: string | null; readonly string: Json }[]
  return Object.fromEntries(named.filter(({ name }) => name !== null).map(({ name, string }) => [name!, string]))
}

/** The parts of a string between matches. */
export function splitBy(text: string, pattern: string, flags: string): readonly string[] {
  const parts: string[] = []
  let from = 0
  for (const [start, end] of patternOf(pattern, flags).matchAll(text)) {
    if (end === 0) continue
    parts.push(text.slice(from, start))
    from = end!
  }
  return [...parts, text.slice(from)]
}
