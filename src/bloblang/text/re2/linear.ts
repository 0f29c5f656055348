/**
 * A linear-time matcher for the patterns that `PatternParser` accepts: a backtracking search that records each choice
 * with its position, as Go's does for short patterns, so that no choice is made twice at the same position. It first
 * looks at the next character, which rules out most choices.
 *
 * Patterns are compiled to programs of numbers: operations, their arguments, and the instructions that follow them.
 */
import { type CharSet, isNullable, merge, type Node, PatternParser, type Place, Unusual } from './pattern-parser.ts'
import type { MatchSpans } from './re2.ts'

/** Longer programs, which nested counts produce, need too much memory for their records. */
const MAX_PROGRAM = 50_000
/** The maximum size of the records for one text, in bits. Longer texts are left to re2js. */
const MAX_NOTES = 2 ** 27

const CHAR = 0
const CLASS = 1
const SPLIT = 2
const SLOT = 3
const ASSERT = 4
const MATCH = 5

const PLACES: readonly Place[] = ['start', 'end', 'line start', 'line end', 'word boundary']

/**
 * The index of a split's lookup table: ASCII codes, one entry for all other characters, one for the end of the text.
 */
const OTHER = 128
const END = 129
const LOOKUP = 130
/** The branch may match. */
const FIRST = 1
const SECOND = 2

export interface LinearPattern {
  readonly groupNames: readonly string[]
  /** Whether this matcher accepts a text of this length. */
  takes(length: number): boolean
  /** The leftmost match at or after `from`. */
  match(text: string, from: number): MatchSpans | undefined
}

/** Compiles a pattern; undefined if it is not supported or too long. */
export function compilePattern(pattern: string): LinearPattern | undefined {
  try {
    const parser = new PatternParser(pattern)
    const builder = new ProgramBuilder()
    builder.build(parser.parse())
    return new Matcher(builder, parser.groupNames)
  } catch (error) {
    if (error instanceof Unusual) return undefined
    throw error
  }
}

/** Writes programs from end to start, because a fragment needs the number of the instruction that follows it. */
class ProgramBuilder {
  readonly kinds: number[] = []
  readonly arguments: number[] = []
  readonly nexts: number[] = []
  readonly classes: CharSet[] = []
  readonly #classPlaces = new Map<string, number>()
  entry = 0
  #groups = 0

  build(tree: Node): void {
    this.#groups = countGroups(tree)
    this.entry = this.#write(tree, this.#add(MATCH, 0, 0), 1)
  }

  get slots(): number {
    return 2 * (this.#groups + 1)
  }

  /** Returns the start of the fragment. `group` is the number of its first group. */
  #write(node: Node, next: number, group: number): number {
    switch (node.kind) {
      case 'chars':
        return this.#chars(node, next)
      case 'assert':
        return this.#add(ASSERT, PLACES.indexOf(node.place), next)
      case 'sequence':
        return this.#sequence(node.items, next, group)
      case 'choice':
        return this.#choice(node.branches, next, group)
      case 'group': {
        if (!node.captures) return this.#write(node.body, next, group)
        const end = this.#add(SLOT, 2 * group + 1, next)
        return this.#add(SLOT, 2 * group, this.#write(node.body, end, group + 1))
      }
      case 'repeat':
        return this.#repeat(node, next, group)
    }
  }

  #sequence(items: readonly Node[], next: number, group: number): number {
    const groups: number[] = []
    for (const item of items) {
      groups.push(group)
      group += countGroups(item)
    }
    return items.reduceRight((rest, item, index) => this.#write(item, rest, groups[index]!), next)
  }

  #choice(branches: readonly Node[], next: number, group: number): number {
    const starts = branches.map(branch => {
      const start = this.#write(branch, next, group)
      group += countGroups(branch)
      return start
    })
    return starts.reduceRight((rest, start) => this.#add(SPLIT, start, rest))
  }

  #repeat({ body, min, max, lazy }: Node & { readonly kind: 'repeat' }, next: number, group: number): number {
    const write = (then: number) => this.#write(body, then, group)
    let at = next
    if (max === Number.POSITIVE_INFINITY) {
      at = min === 0 ? this.#star(write, isNullable(body), lazy, next) : this.#plus(write, lazy, next)
      for (let i = 1; i < min; i++) at = write(at)
      return at
    }
    for (let i = min; i < max; i++) at = this.#optional(write(at), lazy, next)
    for (let i = 0; i < min; i++) at = write(at)
    return at
  }

  /** For a body that may be empty, Go's `(?:x+)?`, in which an iteration that matches nothing still counts. */
  #star(write: (next: number) => number, nullable: boolean, lazy: boolean, next: number): number {
    if (nullable) return this.#optional(this.#plus(write, lazy, next), lazy, next)
    const split = this.#add(SPLIT, 0, 0)
    this.#branch(split, write(split), next, lazy)
    return split
  }

  #plus(write: (next: number) => number, lazy: boolean, next: number): number {
    const split = this.#add(SPLIT, 0, 0)
    const start = write(split)
    this.#branch(split, start, next, lazy)
    return start
  }

  #optional(body: number, lazy: boolean, next: number): number {
    const split = this.#add(SPLIT, 0, 0)
    this.#branch(split, body, next, lazy)
    return split
  }

  #branch(split: number, body: number, next: number, lazy: boolean): void {
    this.arguments[split] = lazy ? next : body
    this.nexts[split] = lazy ? body : next
  }

  #chars({ set, exact = set }: Node & { readonly kind: 'chars' }, next: number): number {
    if (exact === null) throw new Unusual()
    const [only] = exact
    if (exact.length === 1 && only![0] === only![1] && only![0] < 0x80) return this.#add(CHAR, only![0], next)
    const sorted = merge(exact)
    const key = sorted.join(' ')
    let place = this.#classPlaces.get(key)
    if (place === undefined) {
      place = this.classes.push(sorted) - 1
      this.#classPlaces.set(key, place)
    }
    return this.#add(CLASS, place, next)
  }

  #add(kind: number, argument: number, next: number): number {
    if (this.kinds.length >= MAX_PROGRAM) throw new Unusual()
    this.arguments.push(argument)
    this.nexts.push(next)
    return this.kinds.push(kind) - 1
  }
}

class Matcher implements LinearPattern {
  readonly groupNames: readonly string[]
  readonly #kinds: Uint8Array
  readonly #arguments: Int32Array
  readonly #nexts: Int32Array
  readonly #entry: number
  /** The ASCII characters of each class, and its ranges beyond ASCII. */
  readonly #ascii: readonly Uint8Array[]
  readonly #ranges: readonly CharSet[]
  /** The number of each split, and its lookup table. */
  readonly #splits: Int32Array
  readonly #splitCount: number
  readonly #lookup: Uint8Array
  /** The characters with which a match can start. */
  readonly #starts: Uint8Array
  readonly #slots: Int32Array
  #notes = new Int32Array(0)
  #stack: Int32Array = new Int32Array(1024)

  constructor(program: ProgramBuilder, groupNames: readonly string[]) {
    this.groupNames = groupNames
    this.#kinds = Uint8Array.from(program.kinds)
    this.#arguments = Int32Array.from(program.arguments)
    this.#nexts = Int32Array.from(program.nexts)
    this.#entry = program.entry
    this.#slots = new Int32Array(program.slots)
    this.#ascii = program.classes.map(asciiOf)
    this.#ranges = program.classes.map(set => set.filter(([, high]) => high > 0x7f))
    this.#splits = new Int32Array(program.kinds.length)
    let count = 0
    for (const [at, kind] of program.kinds.entries()) this.#splits[at] = kind === SPLIT ? count++ : -1
    this.#splitCount = count
    const firsts = new FirstSets(program, this.#ascii)
    this.#lookup = new Uint8Array(LOOKUP * count)
    for (const [at, kind] of program.kinds.entries()) {
      if (kind !== SPLIT) continue
      const first = firsts.of(program.arguments[at]!)
      const second = firsts.of(program.nexts[at]!)
      const base = LOOKUP * this.#splits[at]!
      for (let i = 0; i < LOOKUP; i++) this.#lookup[base + i] = (first[i]! && FIRST) | (second[i]! && SECOND)
    }
    this.#starts = firsts.of(program.entry)
  }

  takes(length: number): boolean {
    return this.#splitCount * (length + 1) <= MAX_NOTES
  }

  match(text: string, from: number): MatchSpans | undefined {
    const words = ((this.#splitCount * (text.length - from + 1)) >>> 5) + 1
    if (this.#notes.length < words) this.#notes = new Int32Array(2 * words)
    else this.#notes.fill(0, 0, words)
    for (let at = from; at <= text.length; at++) {
      const code = at < text.length ? text.charCodeAt(at) : -1
      if (!this.#starts[code < 0 ? END : code < 0x80 ? code : OTHER]) continue
      // A match cannot start at the second half of a surrogate pair.
      if (code >= 0xdc00 && code <= 0xdfff && at > from) continue
      const end = this.#run(text, at, from)
      if (end < 0) continue
      this.#slots[0] = at
      this.#slots[1] = end
      return Array.from(this.#slots)
    }
    return undefined
  }

  /** The end of a match that starts at `start`, with its groups in the slots; -1 if there is none. */
  #run(text: string, start: number, from: number): number {
    const kinds = this.#kinds
    const values = this.#arguments
    const nexts = this.#nexts
    const ascii = this.#ascii
    const splits = this.#splits
    const lookup = this.#lookup
    const notes = this.#notes
    const slots = this.#slots
    const { length } = text
    const width = length - from + 1
    let stack: Int32Array = this.#stack
    let depth = 0
    let pc = this.#entry
    let at = start
    slots.fill(-1)
    for (;;) {
      let fails = false
      switch (kinds[pc]) {
        case CHAR:
          if (at < length && text.charCodeAt(at) === values[pc]) {
            at++
            pc = nexts[pc]!
          } else fails = true
          break
        case CLASS: {
          const code = at < length ? text.charCodeAt(at) : -1
          if (code < 0) fails = true
          else if (code < 0x80) {
            if (ascii[values[pc]!]![code] === 1) {
              at++
              pc = nexts[pc]!
            } else fails = true
          } else {
            const point = text.codePointAt(at)!
            if (this.#hasPoint(values[pc]!, point)) {
              at += point > 0xffff ? 2 : 1
              pc = nexts[pc]!
            } else fails = true
          }
          break
        }
        case SPLIT: {
          const split = splits[pc]!
          const bit = split * width + at - from
          if ((notes[bit >>> 5]! & (1 << (bit & 31))) !== 0) {
            fails = true
            break
          }
          notes[bit >>> 5] = notes[bit >>> 5]! | (1 << (bit & 31))
          const code = at < length ? text.charCodeAt(at) : END
          const ways = lookup[LOOKUP * split + (at < length && code >= 0x80 ? OTHER : code)]!
          if (ways === FIRST) pc = values[pc]!
          else if (ways === SECOND) pc = nexts[pc]!
          else if (ways === 0) fails = true
          else {
            if (depth + 2 > stack.length) stack = this.#moreStack()
            stack[depth++] = nexts[pc]!
            stack[depth++] = at
            pc = values[pc]!
          }
          break
        }
        case SLOT: {
          const slot = values[pc]!
          if (depth > 0) {
            // Backtracking restores the previous content of the slot.
            if (depth + 2 > stack.length) stack = this.#moreStack()
            stack[depth++] = -1 - slot
            stack[depth++] = slots[slot]!
          }
          slots[slot] = at
          pc = nexts[pc]!
          break
        }
        case ASSERT:
          if (holds(values[pc]!, text, at)) pc = nexts[pc]!
          else fails = true
          break
        default:
          return at
      }
      if (!fails) continue
      for (;;) {
        if (depth === 0) return -1
        at = stack[--depth]!
        pc = stack[--depth]!
        if (pc >= 0) break
        slots[-1 - pc] = at
      }
    }
  }

  #moreStack(): Int32Array {
    const stack = new Int32Array(2 * this.#stack.length)
    stack.set(this.#stack)
    this.#stack = stack
    return stack
  }

  #hasPoint(place: number, point: number): boolean {
    const ranges = this.#ranges[place]!
    let low = 0
    let high = ranges.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const [first, last] = ranges[middle]!
      if (point < first) high = middle - 1
      else if (point > last) low = middle + 1
      else return true
    }
    return false
  }
}

/** The characters with which a match can continue at an instruction. */
class FirstSets {
  readonly #program: ProgramBuilder
  readonly #ascii: readonly Uint8Array[]
  readonly #known = new Map<number, Uint8Array>()

  constructor(program: ProgramBuilder, ascii: readonly Uint8Array[]) {
    this.#program = program
    this.#ascii = ascii
  }

  of(start: number): Uint8Array {
    const known = this.#known.get(start)
    if (known !== undefined) return known
    const { kinds, arguments: values, nexts, classes } = this.#program
    const set = new Uint8Array(LOOKUP)
    const seen = new Set<number>()
    const open = [start]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      switch (kinds[at]) {
        case CHAR:
          set[values[at]!] = 1
          break
        case CLASS: {
          const ascii = this.#ascii[values[at]!]!
          for (let code = 0; code < 0x80; code++) if (ascii[code] === 1) set[code] = 1
          if (classes[values[at]!]!.some(([, high]) => high > 0x7f)) set[OTHER] = 1
          break
        }
        case MATCH:
          set.fill(1)
          break
        case SPLIT:
          open.push(values[at]!, nexts[at]!)
          break
        default:
          open.push(nexts[at]!)
      }
    }
    this.#known.set(start, set)
    return set
  }
}

function asciiOf(set: CharSet): Uint8Array {
  const ascii = new Uint8Array(0x80)
  for (const [low, high] of set) if (low < 0x80) ascii.fill(1, low, Math.min(high, 0x7f) + 1)
  return ascii
}

function holds(place: number, text: string, at: number): boolean {
  switch (PLACES[place]!) {
    case 'start':
      return at === 0
    case 'end':
      return at === text.length
    case 'line start':
      return at === 0 || text.charCodeAt(at - 1) === 0x0a
    case 'line end':
      return at === text.length || text.charCodeAt(at) === 0x0a
    case 'word boundary':
      return isWord(text, at - 1) !== isWord(text, at)
  }
}

function isWord(text: string, at: number): boolean {
  if (at < 0 || at >= text.length) return false
  const code = text.charCodeAt(at)
  return (
    (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || (code >= 0x61 && code <= 0x7a)
  )
}

function countGroups(node: Node): number {
  switch (node.kind) {
    case 'chars':
    case 'assert':
      return 0
    case 'sequence':
      return node.items.reduce((sum, item) => sum + countGroups(item), 0)
    case 'choice':
      return node.branches.reduce((sum, branch) => sum + countGroups(branch), 0)
    case 'group':
      return countGroups(node.body) + (node.captures ? 1 : 0)
    case 'repeat':
      return countGroups(node.body)
  }
}
