/**
 * The plainest YAML: blocks of fields and items with values of one line. Most documents are no more than that, and the library
 * that reads the rest takes ten times as long for them as the original does.
 */
import { setOwn } from '../stdlib/support.ts'
import type { Value } from '../value.ts'
import { resolvePlain } from './yaml-scalar.ts'

interface Line {
  /** Where its text begins. Of an item, what stands behind the hyphen becomes a line of its own. */
  indent: number
  text: string
}

/** The value of a text made of nothing but plain blocks; undefined for any other text, be it right or wrong. */
export function readYamlBlocks(text: string): Value | undefined {
  if (UNUSUAL.test(text)) return undefined
  const lines: Line[] = []
  for (const line of text.split('\n')) {
    const indent = line.search(/[^ ]/)
    if (indent >= 0) lines.push({ indent, text: line.slice(indent) })
  }
  if (lines[0]?.indent === 0 && lines[0].text === '---') lines.shift()
  if (lines[0]?.indent !== 0) return undefined
  const reader = new BlockReader(lines)
  const value = reader.block(0, 0)
  return reader.isAtEnd() ? value : undefined
}

/** Comments, blanks at the end of a line, tabs, line breaks of other kinds, and what has two halves in UTF-16. */
const UNUSUAL = /(?:^|[ \n])#| (?=\n|$)|[^\n -~\u00a1-\u167f\u1681-\u1fff\u2030-\u2fff\u3001-\ud7ff]/
const FIELD = /^([A-Za-z_][\w./-]{0,120}):(?: +|$)/
const ITEM = /^-(?: +|$)/
const PLAIN_START = /^(?:[A-Za-z0-9_/.$(\u00c0-\ud7ff]|[-+][0-9.])/
const MAX_DEPTH = 100

class BlockReader {
  readonly #lines: readonly Line[]
  #at = 0

  constructor(lines: readonly Line[]) {
    this.#lines = lines
  }

  isAtEnd(): boolean {
    return this.#at === this.#lines.length
  }

  /** The fields or items from here on that begin at this column. */
  block(indent: number, depth: number): Value | undefined {
    if (depth > MAX_DEPTH) return undefined
    return ITEM.test(this.#lines[this.#at]!.text) ? this.#items(indent, depth) : this.#fields(indent, depth)
  }

  #fields(indent: number, depth: number): Value | undefined {
    const fields: Record<string, Value> = {}
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      const field = FIELD.exec(line.text)
      if (field === null) return undefined
      const key = field[1]!
      if (resolvePlain(key) !== key || Object.hasOwn(fields, key)) return undefined
      const rest = line.text.slice(field[0].length)
      this.#at++
      const value = rest === '' ? this.#below(indent, depth, true) : this.#scalar(rest, indent)
      if (value === undefined) return undefined
      setOwn(fields, key, value)
    }
    return fields
  }

  #items(indent: number, depth: number): Value | undefined {
    const items: Value[] = []
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      const hyphen = ITEM.exec(line.text)
      // Fields at the column of the items that are their parent's value: the parent goes on.
      if (hyphen === null) break
      const value = this.#item(line, line.text.slice(hyphen[0].length), depth)
      if (value === undefined) return undefined
      items.push(value)
    }
    return items
  }

  #item(line: Line, rest: string, depth: number): Value | undefined {
    const { indent } = line
    if (FIELD.test(rest)) {
      line.indent += line.text.length - rest.length
      line.text = rest
      return this.block(line.indent, depth + 1)
    }
    this.#at++
    return rest === '' ? this.#below(indent, depth, false) : this.#scalar(rest, indent)
  }

  /** The value of a field or item that has nothing on its own line. */
  #below(indent: number, depth: number, isField: boolean): Value | undefined {
    const next = this.#lines[this.#at]
    if (next === undefined) return null
    const isInside = next.indent > indent || (isField && next.indent === indent && ITEM.test(next.text))
    return isInside ? this.block(next.indent, depth + 1) : null
  }

  /** A value of one line; a line further in would continue it. */
  #scalar(text: string, indent: number): Value | undefined {
    if ((this.#lines[this.#at]?.indent ?? 0) > indent) return undefined
    const first = text[0]
    if (first === '"') return /^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : undefined
    if (first === "'") return /^'[^']*'$/.test(text) ? text.slice(1, -1) : undefined
    if (text === '[]') return []
    if (text === '{}') return {}
    return PLAIN_START.test(text) && !text.includes(': ') && !text.endsWith(':') ? resolvePlain(text) : undefined
  }
}
