/**
 * Regular expressions with the syntax, semantics and error texts of Go's regexp package, in linear time. Patterns with
 * a proven bound run on JavaScript's engine if the text is short enough for their worst case. All others, and long
 * texts, run on our own linear-time engine, and unusual patterns on re2js.
 */
import { messageOf } from '../../../base/index.ts'
import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'
import { MappingError } from '../../errors.ts'
import { compilePattern, type LinearPattern } from './linear.ts'
import { translate } from './translate.ts'

/** The number of worst-case steps allowed for one text on JavaScript's engine: a few milliseconds. */
const NATIVE_STEPS = 4_000_000

/** Start and end of each group in UTF-16 units: [start0, end0, start1, end1, …]; -1 for a group without a match. */
export type MatchSpans = readonly number[]

/** A compiled pattern. */
export interface Re2 {
  readonly pattern: string
  /** Group names by number; empty for unnamed groups. The whole match is number 0. */
  readonly groupNames: readonly string[]
  /** Whether the pattern matches anywhere. */
  test(text: string): boolean
  /** The leftmost match at or after `from`. */
  match(text: string, from?: number): MatchSpans | undefined
  /** All matches in order; an empty match directly after another match is skipped. */
  matchAll(text: string): MatchSpans[]
  /** Replaces all matches; in the template, `$1`, `$name` and `${name}` stand for groups and `$$` for a dollar sign. */
  replaceAll(text: string, template: string): string
}

const require = createRequire(import.meta.url)

/** Compiles a pattern. Throws `error parsing regexp: …`. */
export function compileRe2(pattern: string): Re2 {
  const bad = pattern.isWellFormed() ? -1 : pattern.search(/\p{Cs}/u)
  if (bad !== -1) throw new MappingError(`error parsing regexp: invalid UTF-8: \`${pattern.slice(bad)}\``)
  return new CompiledPattern(pattern)
}

/** The text of a group; empty if the group did not take part in the match. */
export function groupText(text: string, spans: MatchSpans, group: number): string {
  const start = spans[2 * group]!
  return start < 0 ? '' : text.slice(start, spans[2 * group + 1]!)
}

type Matcher = (text: string, from: number) => MatchSpans | undefined

class CompiledPattern implements Re2 {
  readonly pattern: string
  readonly groupNames: readonly string[]
  readonly #native: RegExp | undefined
  readonly #cost: (length: number) => number
  /** Null if only re2js supports the pattern. */
  #linear: LinearPattern | null | undefined
  #re2js: Matcher | undefined

  constructor(pattern: string) {
    this.pattern = pattern
    const translation = translate(pattern)
    if (translation !== undefined) {
      this.#native = translation.regexp
      this.#cost = translation.cost
      this.groupNames = translation.groupNames
      return
    }
    this.#cost = () => Number.POSITIVE_INFINITY
    this.#linear = compilePattern(pattern) ?? null
    if (this.#linear !== null) {
      this.groupNames = this.#linear.groupNames
      return
    }
    const [matcher, names] = re2jsMatcher(pattern)
    this.#re2js = matcher
    this.groupNames = names
  }

  test(text: string): boolean {
    return this.#matcher(text)(wellFormed(text), 0) !== undefined
  }

  match(text: string, from = 0): MatchSpans | undefined {
    return this.#matcher(text)(wellFormed(text), from)
  }

  matchAll(text: string): MatchSpans[] {
    const matcher = this.#matcher(text)
    const subject = wellFormed(text)
    const found: MatchSpans[] = []
    let previousEnd = -1
    for (let at = 0; at <= subject.length; ) {
      const spans = matcher(subject, at)
      if (spans === undefined) break
      const end = spans[1]!
      if (end !== at || spans[0] !== previousEnd) found.push(spans)
      at = end === at ? at + runeLength(subject, at) : end
      previousEnd = end
    }
    return found
  }

  replaceAll(text: string, template: string): string {
    const matcher = this.#matcher(text)
    const subject = wellFormed(text)
    const parts = parseTemplate(template, this.groupNames)
    let out = ''
    let lastEnd = 0
    for (let at = 0; at <= subject.length; ) {
      const spans = matcher(subject, at)
      if (spans === undefined) break
      out += text.slice(lastEnd, spans[0])
      const end = spans[1]!
      if (end > lastEnd || spans[0] === 0) out += expand(parts, text, spans)
      lastEnd = end
      at = Math.max(end, at + runeLength(subject, at))
    }
    return lastEnd === 0 && out === '' ? text : out + text.slice(lastEnd)
  }

  #matcher(text: string): Matcher {
    const native = this.#native
    if (native === undefined || this.#cost(text.length) > NATIVE_STEPS) {
      if (this.#linear === undefined) this.#linear = compilePattern(this.pattern) ?? null
      const linear = this.#linear
      if (linear?.takes(text.length)) return (subject, from) => linear.match(subject, from)
      this.#re2js ??= re2jsMatcher(this.pattern)[0]
      return this.#re2js
    }
    return (subject, from) => {
      native.lastIndex = from
      const match = native.exec(subject)
      return match === null ? undefined : spansOf(match)
    }
  }
}

/** Replaces each byte that is not UTF-8 by one U+FFFD, which preserves positions. */
function wellFormed(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed()
}

function runeLength(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1
}

function spansOf(match: RegExpExecArray): MatchSpans {
  if (match.length === 1) return [match.index, match.index + match[0].length]
  return match.indices!.flatMap(span => span ?? [-1, -1])
}

function re2jsMatcher(pattern: string): readonly [Matcher, readonly string[]] {
  const names = groupNames(pattern)
  const compiled = compileRe2js(pattern, names)
  const groups = compiled.groupCount() + 1
  let subject = ''
  let matcher = compiled.matcher(subject)
  const match: Matcher = (text, from) => {
    if (subject !== text) {
      subject = text
      matcher = compiled.matcher(text)
    }
    if (!matcher.find(from)) return undefined
    const spans: number[] = []
    for (let group = 0; group < groups; group++) spans.push(matcher.start(group), matcher.end(group))
    return spans
  }
  return [match, Array.from({ length: groups }, (_, i) => names[i] ?? '')]
}

function compileRe2js(pattern: string, names: readonly string[]): RE2JS {
  const { RE2JS } = require('re2js') as typeof import('re2js') // require returns an untyped value
  const used = names.filter(name => name !== '')
  try {
    // Go allows duplicate names, the library does not; the names are tracked here anyway.
    return RE2JS.compile(new Set(used).size < used.length ? withoutNames(pattern) : pattern)
  } catch (error) {
    const message = messageOf(error)
    throw new MappingError(message.endsWith('trailing backslash at end of expression') ? `${message}: \`\`` : message)
  }
}

/** The group names, by number, of a pattern that may be invalid. */
function groupNames(pattern: string): string[] {
  const names = ['']
  scanGroups(pattern, name => {
    names.push(name)
    return ''
  })
  return names
}

function withoutNames(pattern: string): string {
  return scanGroups(pattern, () => '(')
}

/** Visits the capturing groups outside escapes and classes; returns the pattern with their openings replaced. */
function scanGroups(pattern: string, replace: (name: string) => string): string {
  const token = /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\\[\s\S]|\[:\^?\w+:\]|[^\]\\])*\]|\((?!\?)|\(\?P?<(\w+)>/g
  return pattern.replace(token, (match, name: string | undefined) => {
    if (match === '(') replace('')
    return match.startsWith('(?') ? replace(name ?? '') : match
  })
}

type TemplatePart = string | readonly number[]

function parseTemplate(template: string, names: readonly string[]): readonly TemplatePart[] {
  const parts: TemplatePart[] = []
  let rest = template
  for (;;) {
    const dollar = rest.indexOf('$')
    if (dollar < 0) break
    parts.push(rest.slice(0, dollar))
    rest = rest.slice(dollar)
    if (rest[1] === '$') {
      parts.push('$')
      rest = rest.slice(2)
      continue
    }
    const reference = /^\$(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u.exec(rest)
    if (reference === null) {
      parts.push('$')
      rest = rest.slice(1)
      continue
    }
    parts.push(groupsOf(reference[1] ?? reference[2]!, names))
    rest = rest.slice(reference[0].length)
  }
  parts.push(rest)
  return parts
}

function groupsOf(name: string, names: readonly string[]): readonly number[] {
  if (/^(?:0|[1-9][0-9]*)$/.test(name)) return Number(name) < names.length ? [Number(name)] : []
  return names.flatMap((candidate, group) => (candidate === name ? [group] : []))
}

function expand(parts: readonly TemplatePart[], text: string, spans: MatchSpans): string {
  let out = ''
  for (const part of parts) {
    if (typeof part === 'string') out += part
    else {
      const group = part.find(candidate => spans[2 * candidate]! >= 0)
      if (group !== undefined) out += groupText(text, spans, group)
    }
  }
  return out
}
