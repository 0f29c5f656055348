/** Formats objects as XML, the inverse of parse.ts. Unlike the original, texts and attributes are escaped. */
import { isArray } from '../../data/coerce.ts'
import { goTypeName } from '../go-value.ts'
import { MappingError } from '../../errors.ts'
import { sortedKeys } from '../../data/text-order.ts'
import { isObject, Timestamp, type Value, type ValueObject } from '../../value.ts'
import { sprintf } from '../go-format.ts'
import { stringOrBytes } from '../target.ts'
import { formatRfc3339 } from '../../data/time/format.ts'

const TEXT = '#text'
const DEFAULT_ROOT = 'doc'

/**
 * Formats an object: a single field becomes the root element, several are put into an element `doc`. Without `indent`
 * the output is one line.
 */
export function formatXml(object: ValueObject, indent: string | undefined): string {
  const writer = new XmlWriter(indent)
  const entries = Object.entries(object)
  const [only] = entries
  if (entries.length !== 1 || only === undefined) writer.element(DEFAULT_ROOT, object, '', 0)
  else if (isArray(only[1]) && (indent !== undefined || !only[1].every(isObject))) {
    writer.element(DEFAULT_ROOT, object, '', 0)
  } else writer.element(only[0], only[1], '', 0)
  return writer.toString()
}

class XmlWriter {
  readonly #out: string[] = []
  readonly #indent: string | undefined

  constructor(indent: string | undefined) {
    this.#indent = indent
  }

  toString(): string {
    return this.#out.join('')
  }

  element(name: string, value: Value, padding: string, depth: number): void {
    if (isArray(value)) return this.#array(name, value, padding, depth)
    this.#write(this.#indent === undefined ? '' : padding, `<${name}`)
    if (isObject(value)) this.#object(name, value, padding, depth)
    else this.#simple(name, value)
    if (this.#indent !== undefined && depth > 0) this.#write('\n')
  }

  #write(...texts: string[]): void {
    this.#out.push(...texts)
  }

  #array(name: string, array: readonly Value[], padding: string, depth: number): void {
    const inner = padding + (this.#indent ?? '')
    for (const element of array) this.element(name, element, inner, depth + 1)
    if (array.length > 0) return
    // The padding before and after an empty element is the original's.
    this.#write(this.#indent === undefined ? '' : inner, `<${name}`, this.#indent === undefined ? '' : padding, '/>')
    if (this.#indent !== undefined && depth > 0) this.#write('\n')
  }

  #object(name: string, object: ValueObject, padding: string, depth: number): void {
    const keys = sortedKeys(object)
    const attributes = keys.filter(key => key.length > 1 && key.startsWith('-'))
    for (const key of attributes) this.#write(` ${key.slice(1)}="${attributeText(key, object[key]!)}"`)
    if (attributes.length === keys.length) return this.#write('/>')
    const hasText = Object.hasOwn(object, TEXT)
    this.#write('>', hasText ? textOf(object[TEXT]!) : '')
    if (hasText && attributes.length + 1 === keys.length) return this.#write(`</${name}>`)
    if (this.#indent !== undefined) this.#write('\n')
    const inner = padding + (this.#indent ?? '')
    for (const key of keys) {
      if (key === TEXT || attributes.includes(key)) continue
      const value = object[key]!
      // Arrays indent their own elements.
      if (isArray(value)) this.element(key, value, padding, depth)
      else this.element(key, value, inner, depth + 1)
    }
    this.#write(this.#indent === undefined ? '' : padding, `</${name}>`)
  }

  #simple(name: string, value: Value): void {
    const text = value === null ? '' : textOf(value)
    this.#write(text === '' ? '/>' : `>${text}</${name}>`)
  }
}

function attributeText(key: string, value: Value): string {
  if (value === null || isArray(value) || isObject(value) || value instanceof Timestamp) {
    throw new MappingError(`invalid attribute value for: ${key}:<${goTypeName(value)}>`)
  }
  return textOf(value).replaceAll('"', '&quot;')
}

function textOf(value: Value): string {
  if (typeof value === 'string' || value instanceof Uint8Array) return escapeXml(stringOrBytes(value))
  if (value instanceof Timestamp) return `<Time>${formatRfc3339(value)}</Time>`
  return escapeXml(sprintf('%v', [value]))
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
