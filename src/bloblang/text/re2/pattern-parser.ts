/** Sorted, disjoint [from, to] pairs of code points. */
export type CharSet = readonly (readonly [number, number])[]

/** `exact` lists the matching characters if `set`, used to find overlaps, is larger; null if unknown. */
export type Node =
  | { readonly kind: 'chars'; readonly set: CharSet; readonly source: string; readonly exact?: CharSet | null }
  | { readonly kind: 'assert'; readonly source: string; readonly place: Place }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'group'; readonly body: Node; readonly captures: boolean }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: boolean }

/** Where an assertion holds. */
export type Place = 'start' | 'end' | 'line start' | 'line end' | 'word boundary'

const MAX = 0x10ffff
const ALL: CharSet = [[0, MAX]]
const DIGITS: CharSet = [[0x30, 0x39]]
const WORD: CharSet = [...DIGITS, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]
const SPACE: CharSet = [
  [9, 10],
  [12, 13],
  [32, 32],
]
const NEWLINE: CharSet = [[10, 10]]
const PERL: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  w: WORD,
  s: SPACE,
  D: negate(DIGITS),
  W: negate(WORD),
  S: negate(SPACE),
}
const ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }
const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: [...DIGITS, [0x41, 0x5a], [0x61, 0x7a]],
  alpha: [
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  ascii: [[0, 0x7f]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: DIGITS,
  graph: [[0x21, 0x7e]],
  lower: [[0x61, 0x7a]],
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [[0x41, 0x5a]],
  word: WORD,
  xdigit: [...DIGITS, [0x41, 0x46], [0x61, 0x66]],
}
const CATEGORIES = new Set(
  'L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp'.split(' '),
)
/** The limit of RE2 for `{n,m}`. */
const MAX_REPEAT = 1000
const MAX_DEPTH = 100

/** Thrown for everything that is left to re2js. */
export class Unusual {}

/** Parses RE2 patterns whose meaning is known here. Throws {@link Unusual} for all others. */
export class PatternParser {
  readonly groupNames: string[] = ['']
  ignoresCase = false
  readonly #pattern: string
  #at = 0
  #dotAll = false
  #multiline = false
  #depth = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  parse(): Node {
    if (!this.#pattern.isWellFormed()) throw new Unusual()
    // Flags are supported if they apply to the whole pattern.
    const flags = /^\(\?([ims]+)\)/.exec(this.#pattern)
    if (flags !== null) {
      this.ignoresCase = flags[1]!.includes('i')
      this.#multiline = flags[1]!.includes('m')
      this.#dotAll = flags[1]!.includes('s')
      this.#at = flags[0].length
    }
    const tree = this.#choice()
    if (this.#at < this.#pattern.length) throw new Unusual()
    return tree
  }

  #choice(): Node {
    if (++this.#depth > MAX_DEPTH) throw new Unusual()
    const branches = [this.#sequence()]
    while (this.#pattern[this.#at] === '|') {
      this.#at++
      branches.push(this.#sequence())
    }
    this.#depth--
    return branches.length === 1 ? branches[0]! : { kind: 'choice', branches }
  }

  #sequence(): Node {
    const items: Node[] = []
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#pattern[this.#at]!)) items.push(this.#repeated())
    return items.length === 1 ? items[0]! : { kind: 'sequence', items }
  }

  #repeated(): Node {
    const body = this.#atom()
    const count = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})/.exec(this.#pattern.slice(this.#at, this.#at + 12))
    if (count === null) return body
    if (body.kind === 'assert') throw new Unusual()
    this.#at += count[0].length
    const [min, max] = bounds(count)
    if (min > MAX_REPEAT || max < min || (max > MAX_REPEAT && max !== Number.POSITIVE_INFINITY)) throw new Unusual()
    const lazy = this.#pattern[this.#at] === '?'
    if (lazy) this.#at++
    if (this.#isAtCount()) throw new Unusual()
    const node: Node = { kind: 'repeat', body, min, max, lazy }
    if (repetitions(node) > MAX_REPEAT) throw new Unusual()
    return node
  }

  #isAtCount(): boolean {
    return /^(?:[*+?]|\{\d+(?:,\d*)?\})/.test(this.#pattern.slice(this.#at, this.#at + 12))
  }

  #atom(): Node {
    // A count without anything to repeat.
    if (this.#isAtCount()) throw new Unusual()
    const char = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!)
    this.#at += char.length
    switch (char) {
      case '(':
        return this.#group()
      case '[':
        return this.#class()
      case '\\':
        return this.#escape()
      case '.':
        return this.#dotAll ? chars(ALL) : chars(negate(NEWLINE))
      case '^':
        return this.#multiline
          ? { kind: 'assert', source: '(?:^|(?<=\\n))', place: 'line start' }
          : { kind: 'assert', source: '^', place: 'start' }
      case '$':
        return this.#multiline
          ? { kind: 'assert', source: '(?![^\\n])', place: 'line end' }
          : { kind: 'assert', source: '$', place: 'end' }
      default:
        return this.#literal(char.codePointAt(0)!)
    }
  }

  #literal(code: number): Node {
    if (!this.ignoresCase) return chars([[code, code]])
    const exact = code < 0x80 ? caseless([[code, code]]) : null
    return { kind: 'chars', set: folded(code), source: printSet([[code, code]]), exact }
  }

  #group(): Node {
    if (this.#pattern[this.#at] !== '?') {
      this.groupNames.push('')
      return this.#groupBody(true)
    }
    const opening = /^\?(?:(:)|P?<([A-Za-z0-9_]+)>)/.exec(this.#pattern.slice(this.#at, this.#at + 100))
    if (opening === null) throw new Unusual()
    this.#at += opening[0].length
    if (opening[1] !== undefined) return this.#groupBody(false)
    this.groupNames.push(opening[2]!)
    return this.#groupBody(true)
  }

  #groupBody(captures: boolean): Node {
    const body = this.#choice()
    if (this.#pattern[this.#at] !== ')') throw new Unusual()
    this.#at++
    return { kind: 'group', body, captures }
  }

  #escape(): Node {
    const char = this.#pattern[this.#at++]
    if (char === undefined) throw new Unusual()
    if (char === 'b') {
      if (this.ignoresCase) throw new Unusual()
      return { kind: 'assert', source: String.raw`\b`, place: 'word boundary' }
    }
    // JavaScript's version would also match between the halves of a surrogate pair.
    if (char === 'B') throw new Unusual()
    if (char === 'A') return { kind: 'assert', source: '^', place: 'start' }
    if (char === 'z') return { kind: 'assert', source: '$', place: 'end' }
    const perl = PERL[char]
    if (perl !== undefined) return this.#classChars(perl)
    if (char === 'p' || char === 'P') return this.#property(char)
    return this.#literal(this.#escapedCode(char))
  }

  /** A class that lists its characters; not with flag `i`, because JavaScript folds case differently. */
  #classChars(set: CharSet): Node {
    if (this.ignoresCase && set !== DIGITS && set !== SPACE) throw new Unusual()
    return chars(set)
  }

  #property(letter: string): Node {
    const name = /^(?:\{(\w+)\}|(\w))/.exec(this.#pattern.slice(this.#at, this.#at + 12))
    const category = name?.[1] ?? name?.[2] ?? ''
    if (name === null || !CATEGORIES.has(category) || this.ignoresCase) throw new Unusual()
    this.#at += name[0].length
    return { kind: 'chars', set: ALL, source: `\\${letter}{${category}}`, exact: null }
  }

  #escapedCode(char: string): number {
    const simple = ESCAPES[char]
    if (simple !== undefined) return simple
    if (char === 'x') {
      const digits = /^(?:\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2}))/.exec(this.#pattern.slice(this.#at, this.#at + 8))
      const code = Number.parseInt(digits?.[1] ?? digits?.[2] ?? '', 16)
      if (!(code <= MAX) || (code >= 0xd800 && code <= 0xdfff)) throw new Unusual()
      this.#at += digits![0].length
      return code
    }
    if (char < '\x80' && !/[A-Za-z0-9_]/.test(char)) return char.charCodeAt(0)
    throw new Unusual()
  }

  #class(): Node {
    let negated = false
    if (this.#pattern[this.#at] === '^') {
      negated = true
      this.#at++
    }
    const ranges: (readonly [number, number])[] = []
    for (let isFirst = true; ; isFirst = false) {
      const char = this.#pattern[this.#at]
      if (char === undefined) throw new Unusual()
      if (char === ']' && !isFirst) break
      const named = /^\[:(\^?)(\w+):\]/.exec(this.#pattern.slice(this.#at, this.#at + 12))
      if (named !== null) {
        const set = POSIX[named[2]!]
        if (set === undefined) throw new Unusual()
        ranges.push(...(named[1] === '^' ? negate(set) : set))
        this.#at += named[0].length
        continue
      }
      const next = this.#pattern[this.#at + 1] ?? ''
      const perl = char === '\\' ? PERL[next] : undefined
      if (perl !== undefined) {
        ranges.push(...perl)
        this.#at += 2
        continue
      }
      const low = this.#classCode()
      if (this.#pattern[this.#at] !== '-' || this.#pattern[this.#at + 1] === ']') {
        // RE2 rejects a hyphen that is neither first nor last.
        if (low === 0x2d && char === '-' && !isFirst && this.#pattern[this.#at] !== ']') throw new Unusual()
        ranges.push([low, low])
        continue
      }
      this.#at++
      const high = this.#classCode()
      if (high < low) throw new Unusual()
      ranges.push([low, high])
    }
    this.#at++
    const set = negated ? negate(ranges) : merge(ranges)
    if (this.ignoresCase) {
      if (negated || set.some(([, high]) => high > 0x7f)) throw new Unusual()
      const source = printSet(set)
      return { kind: 'chars', set: ALL, source, exact: caseless(set) }
    }
    return chars(set)
  }

  #classCode(): number {
    const code = this.#pattern.codePointAt(this.#at)
    if (code === undefined) throw new Unusual()
    this.#at += code > 0xffff ? 2 : 1
    if (code !== 0x5c) return code
    const char = this.#pattern[this.#at++]
    if (char === undefined) throw new Unusual()
    return this.#escapedCode(char)
  }
}

function bounds(count: RegExpExecArray): readonly [number, number] {
  switch (count[0]) {
    case '*':
      return [0, Number.POSITIVE_INFINITY]
    case '+':
      return [1, Number.POSITIVE_INFINITY]
    case '?':
      return [0, 1]
    default: {
      const min = Number(count[1])
      if (count[2] === undefined) return [min, min]
      return [min, count[3] === '' ? Number.POSITIVE_INFINITY : Number(count[3])]
    }
  }
}

function chars(set: CharSet): Node {
  if (set.length === 0) throw new Unusual()
  return { kind: 'chars', set, source: printSet(set) }
}

/** All characters that differ from this one only in case. */
function folded(code: number): CharSet {
  const char = String.fromCodePoint(code)
  return code < 0x80 && !/[a-zA-Z]/.test(char) ? [[code, code]] : ALL
}

/** ASCII characters with those that differ from them only in case, as RE2 folds them. */
function caseless(set: CharSet): CharSet {
  const shifted = set.flatMap(([low, high]) => [
    ...within(low, high, 0x41, 0x5a, 0x20),
    ...within(low, high, 0x61, 0x7a, -0x20),
  ])
  const all = merge([...set, ...shifted])
  const has = (code: number) => all.some(([low, high]) => low <= code && code <= high)
  // The Kelvin sign folds to k, and the long s to s.
  return merge([
    ...all,
    ...(has(0x6b) ? [[0x212a, 0x212a] as const] : []),
    ...(has(0x73) ? [[0x17f, 0x17f] as const] : []),
  ])
}

function within(low: number, high: number, first: number, last: number, shift: number): (readonly [number, number])[] {
  const [from, to] = [Math.max(low, first), Math.min(high, last)]
  return from <= to ? [[from + shift, to + shift]] : []
}

export function merge(ranges: CharSet): CharSet {
  const merged: [number, number][] = []
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1)
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else merged.push([low, high])
  }
  return merged
}

function negate(ranges: CharSet): CharSet {
  const out: [number, number][] = []
  let next = 0
  for (const [low, high] of merge(ranges)) {
    if (low > next) out.push([next, low - 1])
    next = high + 1
  }
  if (next <= MAX) out.push([next, MAX])
  return out
}

export function intersects(a: CharSet, b: CharSet): boolean {
  return a.some(([low, high]) => b.some(([otherLow, otherHigh]) => low <= otherHigh && otherLow <= high))
}

function printSet(set: CharSet): string {
  if (set.length === 1 && set[0]![0] === 0 && set[0]![1] === MAX) return '[^]'
  if (set.length === 1 && set[0]![0] === set[0]![1]) return printCode(set[0]![0])
  const inside = set.map(([low, high]) => (low === high ? printCode(low) : `${printCode(low)}-${printCode(high)}`))
  return `[${inside.join('')}]`
}

function printCode(code: number): string {
  const char = String.fromCodePoint(code)
  return /[A-Za-z0-9 ]/.test(char) ? char : `\\u{${code.toString(16)}}`
}

/** The total repetitions of nested counts, which RE2 limits too. */
function repetitions(node: Node): number {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      return 1
    case 'sequence':
      return Math.max(1, ...node.items.map(repetitions))
    case 'choice':
      return Math.max(1, ...node.branches.map(repetitions))
    case 'group':
      return repetitions(node.body)
    case 'repeat': {
      const count = node.max === Number.POSITIVE_INFINITY ? node.min : node.max
      return Math.max(1, count) * (count === 0 && node.max === 0 ? 1 : repetitions(node.body))
    }
  }
}

/** Whether a pattern matches the empty text. */
export function isNullable(node: Node): boolean {
  switch (node.kind) {
    case 'chars':
      return false
    case 'assert':
      return true
    case 'sequence':
      return node.items.every(isNullable)
    case 'choice':
      return node.branches.some(isNullable)
    case 'group':
      return isNullable(node.body)
    case 'repeat':
      return node.min === 0 || isNullable(node.body)
  }
}
