/**
 * Regular expressions with the syntax, semantics and error texts of Go's regexp package, in linear time. Patterns that are
 * proven not to blow up run on JavaScript's engine, as long as the text is short enough for its worst case; all others, and
 * long texts, run in linear time on an engine of ours, and unusual ones on re2js.
 */
import { messageOf } from '../../../base/index.ts'
import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'
import { MappingError } from '../../errors.ts'
import { compilePattern, type LinearPattern } from './linear.ts'
import { translate } from './translate.ts'

/** The steps that JavaScript's engine may take for one text in the worst case: a few milliseconds. */
const NATIVE_STEPS = 4_000_000

/** Where the groups of a match start and end, in UTF-16 units: [start0, end0, start1, end1, …]; -1 for a group without one. */
export type MatchSpans = readonly number[]

/** A compiled pattern. */
export interface Re2 {
  readonly pattern: string
  /** The names of the groups by number; empty where there is none. The whole match is number 0. */
  readonly groupNames: readonly string[]
  /** Whether the pattern matches anywhere. */
  test(text: string): boolean
  /** The leftmost match at or behind `from`. */
  match(text: string, from?: number): MatchSpans | undefined
  /** All matches, one after the other; an empty one right behind another does not count. */
  matchAll(text: string): MatchSpans[]
  /** Replaces all matches; `$1`, `$name` and `${name}` in the template stand for groups, `$$` for a dollar sign. */
  replaceAll(text: string, template: string): string
}

const require = createRequire(import.meta.url)

/** Compiles a pattern. Throws `error parsing regexp: …`. */
export function compileRe2(pattern: string): Re2 {
  const bad = pattern.isWellFormed() ? -1 : pattern.search(/\p{Cs}/u)
  if (bad !== -1) throw new MappingError(`error parsing regexp: invalid UTF-8: \`${pattern.slice(bad)}\``)
  return new CompiledPattern(pattern)
}

/** The text of one group; a group that took no part in the match is empty. */
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
  /** Null where re2js has to do it. */
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

/** Bytes that are not UTF-8 read as U+FFFD, one for each, so that positions stay the same. */
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
  const { RE2JS } = require('re2js') as typeof import('re2js') // what require returns has no type
  const used = names.filter(name => name !== '')
  try {
    // Go allows a name twice, the library does not: names are ours to keep anyway.
    return RE2JS.compile(new Set(used).size < used.length ? withoutNames(pattern) : pattern)
  } catch (error) {
    const message = messageOf(error)
    throw new MappingError(message.endsWith('trailing backslash at end of expression') ? `${message}: \`\`` : message)
  }
}

/** The names of the groups, by number, of a pattern that need not be valid. */
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

/** Walks over the capturing groups outside of escapes and classes; returns the pattern with their openings replaced. */
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
