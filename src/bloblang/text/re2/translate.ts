/**
 * Translates those RE2 patterns to JavaScript that mean the same there and that its backtracking engine cannot blow up on.
 * Anything unusual is left to the linear engine, invalid patterns included: it words their errors.
 *
 * Two questions decide. Does each choice (a branch, one more round of a loop) show by the next character? Then nothing is tried
 * twice. A choice that does not show costs a factor of the text's length, and is refused inside of a loop, where it would cost
 * a power of it.
 */
export interface Translation {
  readonly regexp: RegExp
  readonly groupNames: readonly string[]
  /** An upper bound of the steps for a text of this length. */
  readonly cost: (length: number) => number
}

/** Sorted, disjoint [from, to] pairs of code points. */
type CharSet = readonly (readonly [number, number])[]

type Node =
  | { readonly kind: 'chars'; readonly set: CharSet; readonly source: string }
  | { readonly kind: 'assert'; readonly source: string }
  | { readonly kind: 'sequence'; readonly items: readonly Node[] }
  | { readonly kind: 'choice'; readonly branches: readonly Node[] }
  | { readonly kind: 'group'; readonly body: Node; readonly captures: boolean }
  | { readonly kind: 'repeat'; readonly body: Node; readonly min: number; readonly max: number; readonly lazy: boolean }

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
/** RE2's own bound for `{n,m}`. */
const MAX_REPEAT = 1000
/** A pattern that repeats more than this in total is left to the linear engine. */
const MAX_FACTOR = 4096
const MAX_DEPTH = 100
/** Longer patterns take longer to prove harmless than they would save. */
const MAX_LENGTH = 500

/** Thrown inside of this file for everything that is left to the linear engine. */
class Unusual {}

/** The pattern for JavaScript, or undefined where the linear engine has to do it. */
export function translate(pattern: string): Translation | undefined {
  if (pattern.length > MAX_LENGTH) return undefined
  try {
    const parser = new PatternParser(pattern)
    const tree = parser.parse()
    const analysis = { factor: 1, degree: 0 }
    analyse(tree, [], false, analysis, 0)
    if (analysis.factor > MAX_FACTOR) return undefined
    const hasGroups = parser.groupNames.length > 1
    const regexp = new RegExp(print(tree), `g${hasGroups ? 'd' : ''}u${parser.ignoresCase ? 'i' : ''}`)
    const isBounded = !hasUnboundedLoop(tree)
    const startsOnce = tree.kind !== 'choice' && pattern.startsWith('^')
    const cost = (length: number) => {
      const scans = isBounded ? 1 : length ** (analysis.degree + 1)
      return analysis.factor * scans * (startsOnce ? 1 : length)
    }
    return { regexp, groupNames: parser.groupNames, cost }
  } catch (error) {
    if (error instanceof Unusual || error instanceof SyntaxError) return undefined
    throw error
  }
}

class PatternParser {
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
    // Flags are understood where they hold for the whole pattern.
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
    // Nothing stands before it that could be repeated.
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
        return { kind: 'assert', source: this.#multiline ? '(?:^|(?<=\\n))' : '^' }
      case '$':
        return { kind: 'assert', source: this.#multiline ? '(?![^\\n])' : '$' }
      default:
        return this.#literal(char.codePointAt(0)!)
    }
  }

  #literal(code: number): Node {
    if (!this.ignoresCase) return chars([[code, code]])
    return { kind: 'chars', set: folded(code), source: printSet([[code, code]]) }
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
      return { kind: 'assert', source: String.raw`\b` }
    }
    // JavaScript's would match between the halves of a character, too.
    if (char === 'B') throw new Unusual()
    if (char === 'A') return { kind: 'assert', source: '^' }
    if (char === 'z') return { kind: 'assert', source: '$' }
    const perl = PERL[char]
    if (perl !== undefined) return this.#classChars(perl)
    if (char === 'p' || char === 'P') return this.#property(char)
    return this.#literal(this.#escapedCode(char))
  }

  /** A class that lists its characters: not under `i`, where JavaScript would fold it by rules of its own. */
  #classChars(set: CharSet): Node {
    if (this.ignoresCase && set !== DIGITS && set !== SPACE) throw new Unusual()
    return chars(set)
  }

  #property(letter: string): Node {
    const name = /^(?:\{(\w+)\}|(\w))/.exec(this.#pattern.slice(this.#at, this.#at + 12))
    const category = name?.[1] ?? name?.[2] ?? ''
    if (name === null || !CATEGORIES.has(category) || this.ignoresCase) throw new Unusual()
    this.#at += name[0].length
    return { kind: 'chars', set: ALL, source: `\\${letter}{${category}}` }
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
        // A hyphen that is neither first nor last is an error in RE2.
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
      return { kind: 'chars', set: ALL, source }
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

/** All characters that are equal to this one apart from their case. */
function folded(code: number): CharSet {
  const char = String.fromCodePoint(code)
  return code < 0x80 && !/[a-zA-Z]/.test(char) ? [[code, code]] : ALL
}

function merge(ranges: CharSet): CharSet {
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

function intersects(a: CharSet, b: CharSet): boolean {
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

function print(node: Node): string {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      return node.source
    case 'sequence':
      return node.items.map(print).join('')
    case 'choice':
      return node.branches.map(print).join('|')
    case 'group':
      return `${node.captures ? '(' : '(?:'}${print(node.body)})`
    case 'repeat': {
      const max = node.max === Number.POSITIVE_INFINITY ? '' : String(node.max)
      return `${print(node.body)}{${node.min},${max}}${node.lazy ? '?' : ''}`
    }
  }
}

function nullable(node: Node): boolean {
  switch (node.kind) {
    case 'chars':
      return false
    case 'assert':
      return true
    case 'sequence':
      return node.items.every(nullable)
    case 'choice':
      return node.branches.some(nullable)
    case 'group':
      return nullable(node.body)
    case 'repeat':
      return node.min === 0 || nullable(node.body)
  }
}

/** The characters that a match of the node can begin with; a node that may be empty lets `follow` through. */
function first(node: Node, follow: CharSet): CharSet {
  switch (node.kind) {
    case 'chars':
      return node.set
    case 'assert':
      return follow
    case 'sequence':
      return node.items.reduceRight((rest, item) => first(item, rest), follow)
    case 'choice':
      return merge(node.branches.flatMap(branch => first(branch, follow)))
    case 'group':
      return first(node.body, follow)
    case 'repeat':
      return node.min === 0 ? merge([...first(node.body, follow), ...follow]) : first(node.body, follow)
  }
}

interface Analysis {
  /** How many ways there are to choose where the number does not depend on the text. */
  factor: number
  /** How many loops there are whose end does not show by the next character. */
  degree: number
}

function analyse(node: Node, follow: CharSet, inLoop: boolean, analysis: Analysis, optional: number): void {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      return
    case 'sequence':
      for (let i = 0; i < node.items.length; i++) {
        const rest: Node = { kind: 'sequence', items: node.items.slice(i + 1) }
        analyse(node.items[i]!, first(rest, follow), inLoop, analysis, optional)
      }
      return
    case 'choice':
      analyseChoice(node.branches, follow, inLoop, analysis)
      for (const branch of node.branches) analyse(branch, follow, inLoop, analysis, optional + 1)
      return
    case 'group':
      // JavaScript forgets in each round what a group held in the round before, RE2 does not.
      if (node.captures && inLoop && optional > 0) throw new Unusual()
      return analyse(node.body, follow, inLoop, analysis, optional)
    case 'repeat':
      return analyseRepeat(node, follow, inLoop, analysis, optional)
  }
}

function analyseChoice(branches: readonly Node[], follow: CharSet, inLoop: boolean, analysis: Analysis): void {
  const starts = branches.map(branch => first(branch, follow))
  let ambiguous = 1
  for (let i = 0; i < starts.length; i++) {
    if (starts.some((other, j) => j > i && intersects(starts[i]!, other))) ambiguous++
  }
  if (ambiguous > 1 && inLoop) throw new Unusual()
  analysis.factor *= ambiguous
}

function analyseRepeat(
  node: Node & { readonly kind: 'repeat' },
  follow: CharSet,
  inLoop: boolean,
  analysis: Analysis,
  optional: number,
): void {
  // Rounds that match nothing end a loop at different points in the two engines.
  if (nullable(node.body)) throw new Unusual()
  const begin = first(node.body, follow)
  if (node.max !== node.min && intersects(begin, follow)) {
    if (inLoop) throw new Unusual()
    if (node.max === Number.POSITIVE_INFINITY) analysis.degree++
    else analysis.factor *= node.max - node.min + 1
  }
  const loops = node.max > 1
  const isSingle = node.body.kind === 'chars'
  if (node.max !== Number.POSITIVE_INFINITY && !isSingle) analysis.factor *= Math.max(1, node.max)
  if (isSingle && Number.isFinite(node.max)) analysis.factor *= Math.max(1, Math.ceil(node.max / 64))
  const inside = loops ? merge([...begin, ...follow]) : follow
  const skipped = inLoop ? optional + (node.min === 0 ? 1 : 0) : 0
  analyse(node.body, inside, inLoop || loops, analysis, skipped)
}

function hasUnboundedLoop(node: Node): boolean {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      return false
    case 'sequence':
      return node.items.some(hasUnboundedLoop)
    case 'choice':
      return node.branches.some(hasUnboundedLoop)
    case 'group':
      return hasUnboundedLoop(node.body)
    case 'repeat':
      return node.max === Number.POSITIVE_INFINITY || hasUnboundedLoop(node.body)
  }
}

/** How often counts inside of each other repeat something, which RE2 bounds, too. */
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
