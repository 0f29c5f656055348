import { type CharSet, intersects, isNullable, merge, type Node, PatternParser, Unusual } from './pattern-parser.ts'

/**
 * Translates the RE2 patterns that mean the same in JavaScript and on which its backtracking engine cannot blow up.
 * Anything unusual is left to the linear engine, including invalid patterns, whose errors it words.
 *
 * The criterion is whether the next character determines each choice (a branch, another iteration of a loop). If it
 * does, nothing is tried twice. An undetermined choice costs a factor of the text's length; inside a loop it would cost
 * a power of it, so such patterns are refused.
 */

export interface Translation {
  readonly regexp: RegExp
  readonly groupNames: readonly string[]
  /** An upper bound for the number of steps on a text of this length. */
  readonly cost: (length: number) => number
}

/** A pattern with more repetitions in total is left to the linear engine. */
const MAX_FACTOR = 4096
/** Longer patterns take more time to analyse than they would save. */
const MAX_LENGTH = 500

/** The pattern for JavaScript, or undefined if it is left to the linear engine. */
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

/** The characters with which a match of the node can start; a node that may be empty also passes `follow` through. */
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
  /** The number of undetermined ways to match that does not depend on the text. */
  factor: number
  /** The number of loops whose end is not determined by the next character. */
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
      // JavaScript clears a group in each iteration, RE2 keeps its value from the previous one.
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
  // Iterations that match nothing end a loop at different points in the two engines.
  if (isNullable(node.body)) throw new Unusual()
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
