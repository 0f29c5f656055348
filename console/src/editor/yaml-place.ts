import { isMap, isPair, isScalar, parseDocument, visit } from 'yaml'
import type { Step } from './schema.ts'

/** The cursor's place in a document that is being typed. */
export interface Place {
  /** A key is being typed, or a value after its colon or dash. */
  readonly kind: 'key' | 'value'
  /** The path to the object that the key is in, or to the value. */
  readonly path: readonly Step[]
  /** Keys that the object already has. */
  readonly siblings: readonly string[]
  /** The offset of the first character of the word being typed. */
  readonly from: number
}

/** A word that no configuration contains; it replaces the one being typed. */
const mark = 'cursor\u2038here'

/**
 * Finds the place at `at` by inserting a mark there and parsing the result: a document that is being typed rarely
 * parses, but with a whole key instead of half a word it nearly always does.
 */
export function placeAt(text: string, at: number): Place | undefined {
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const lineEnd = text.indexOf('\n', at) === -1 ? text.length : text.indexOf('\n', at)
  const before = text.slice(lineStart, at)
  if (/(^|\s)#/.test(before)) return undefined

  const word = /[A-Za-z0-9_.-]*$/.exec(before)?.[0] ?? ''
  // A dash that starts a list item belongs to the list, not to the word.
  const typed = /^-+$/.test(word) ? '' : word
  const from = at - typed.length
  const rest = text.slice(at, lineEnd)
  const wordEnd = at + (/^[A-Za-z0-9_.-]*/.exec(rest)?.[0].length ?? 0)
  const beginsLine = /^\s*(?:- +)*$/.test(text.slice(lineStart, from))
  const hasColon = /^\s*:/.test(text.slice(wordEnd, lineEnd))
  const asKey = beginsLine && !hasColon
  const marked = `${text.slice(0, from)}${mark}${asKey ? ':' : ''}${text.slice(wordEnd)}`
  return findMark(marked, from, beginsLine)
}

function findMark(marked: string, from: number, beginsLine: boolean): Place | undefined {
  let place: Place | undefined
  visit(parseDocument(marked, { strict: false, uniqueKeys: false, logLevel: 'silent' }), {
    Scalar(key, node, ancestors) {
      if (node.value !== mark) return undefined
      const path = pathOf(ancestors)
      if (key === 'key') {
        const map = ancestors.findLast(isMap)
        const siblings = (map?.items ?? [])
          .map(pair => (isScalar(pair.key) ? String(pair.key.value) : ''))
          .filter(name => name !== mark)
        place = { kind: 'key', path: path.slice(0, -1), siblings, from }
      } else {
        place = {
          kind: beginsLine ? 'key' : 'value',
          path: typeof key === 'number' ? [...path, key] : path,
          siblings: [],
          from,
        }
      }
      return visit.BREAK
    },
  })
  return place
}

/** The keys and indexes on the path to a node. */
function pathOf(ancestors: readonly unknown[]): Step[] {
  const path: Step[] = []
  ancestors.forEach((ancestor, at) => {
    if (isPair(ancestor)) path.push(isScalar(ancestor.key) ? String(ancestor.key.value) : '')
    else if (isListItem(ancestor, ancestors[at + 1])) path.push(ancestor.items.indexOf(ancestors[at + 1]))
  })
  return path
}

function isListItem(list: unknown, item: unknown): list is { items: unknown[] } {
  if (typeof list !== 'object' || list === null || isMap(list) || item === undefined) return false
  return 'items' in list && Array.isArray(list.items) && list.items.includes(item)
}

/** The path of the key under the pointer, for its documentation; undefined if there is no key. */
export function keyPathAt(text: string, at: number): { path: readonly Step[]; from: number; to: number } | undefined {
  let found: { path: readonly Step[]; from: number; to: number } | undefined
  visit(parseDocument(text, { strict: false, uniqueKeys: false, logLevel: 'silent' }), {
    Scalar(key, node, ancestors) {
      const range = node.range
      if (key !== 'key' || range == null || at < range[0] || at > range[1]) return undefined
      found = { path: pathOf(ancestors), from: range[0], to: range[1] }
      return visit.BREAK
    },
  })
  return found
}
