/** Parses XML to objects: elements become fields, attributes fields with a hyphen, mixed text `#text`. */
import { floatOf } from '../../data/parse-number.ts'
import { MappingError } from '../../errors.ts'
import { Float, type Value, setOwn } from '../../value.ts'
import { XmlReader } from './reader.ts'

const TEXT = '#text'

interface Element {
  readonly name: string
  /** Attributes and children. */
  readonly fields: Record<string, Value>
  /** Text that came before any field. */
  text: Value | undefined
}

/** The root element as an object with one field. Throws `EOF` if there is none. */
export function parseXml(bytes: Uint8Array, cast: boolean): Value {
  const reader = read(() => new XmlReader(bytes))
  const open: Element[] = []
  for (;;) {
    const token = read(() => reader.next())
    if (token === undefined) throw new MappingError('EOF')
    switch (token.kind) {
      case 'start':
        open.push(startElement(token.name, token.attributes, cast))
        break
      case 'text':
        addText(open.at(-1), token.text, cast)
        break
      case 'end': {
        const element = open.pop()!
        const value = valueOf(element)
        const parent = open.at(-1)
        if (parent === undefined) return Object.fromEntries([[element.name, value]])
        addChild(parent, element.name, value)
      }
    }
  }
}

function read<T>(next: () => T): T {
  try {
    return next()
  } catch (error) {
    if (error instanceof MappingError) throw new MappingError(`xml.Decoder.Token() - ${error.message}`)
    throw error
  }
}

function startElement(name: string, attributes: readonly (readonly [string, string])[], cast: boolean): Element {
  const fields: Record<string, Value> = {}
  for (const [attribute, value] of attributes) setOwn(fields, `-${attribute}`, castText(value, cast))
  return { name, fields, text: undefined }
}

function addText(element: Element | undefined, raw: string, cast: boolean): void {
  if (element === undefined) return
  const text = raw.replace(/^[\t\r\b\n ]+|[\t\r\b\n ]+$/g, '')
  if (text === '') return
  if (hasFields(element)) element.fields[TEXT] = castText(text, cast)
  else element.text = castText(text, cast)
}

function addChild(parent: Element, name: string, value: Value): void {
  const existing = Object.hasOwn(parent.fields, name) ? parent.fields[name] : undefined
  if (existing === undefined) setOwn(parent.fields, name, value)
  else if (Array.isArray(existing))
    (existing as Value[]).push(value) // an array created by this parser
  else setOwn(parent.fields, name, [existing, value])
}

function valueOf(element: Element): Value {
  if (!hasFields(element)) return element.text ?? ''
  if (element.text !== undefined) element.fields[TEXT] = element.text
  return element.fields
}

function hasFields(element: Element): boolean {
  for (const _ in element.fields) return true
  return false
}

function castText(text: string, cast: boolean): Value {
  if (!cast) return text
  // These three remain text, the longer spellings of infinity do not.
  const value = /^(?:nan|-?inf)$/i.test(text) ? null : floatOf(text)
  if (value !== null) return new Float(value)
  if (/^(?:t|T|TRUE|true|True)$/.test(text)) return true
  return /^(?:f|F|FALSE|false|False)$/.test(text) ? false : text
}
