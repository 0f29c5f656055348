/** Tokenizes XML as leniently as Go's decoder in non-strict mode, with its error texts. */
import { MappingError } from '../../errors.ts'
import { utf8Text } from '../bytes.ts'
import { quote } from '../quote.ts'

/** A token of a document; an empty element yields a start and an end. */
export type XmlToken =
  | { readonly kind: 'start'; readonly name: string; readonly attributes: readonly (readonly [string, string])[] }
  | { readonly kind: 'end' }
  | { readonly kind: 'text'; readonly text: string }

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' }
/** Compiled on use, because that is slow. */
const isName = (text: string) => /^[\p{L}\p{Nl}_:][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Me}\p{Nd}\p{Lm}_:.\-·]*$/u.test(text)
const SPACE = ' \r\n\t'

/** Thrown at a regular end of the document, outside all elements. */
const END = Symbol('end of the document')

interface QualifiedName {
  readonly space: string
  readonly local: string
}

/** Reads a document token by token. */
export class XmlReader {
  #text: string
  #at = 0
  readonly #open: QualifiedName[] = []
  #pendingClose: QualifiedName | undefined

  constructor(bytes: Uint8Array) {
    this.#text = decode(bytes)
  }

  /** The next token, or undefined after the last. Comments, directives and processing instructions are skipped. */
  next(): XmlToken | undefined {
    try {
      for (;;) {
        const token = this.#raw()
        if (token !== undefined) return token
      }
    } catch (error) {
      if (error !== END) throw error
      if (this.#open.length > 0) throw this.#failure('unexpected EOF')
      return undefined
    }
  }

  #raw(): XmlToken | undefined {
    if (this.#pendingClose !== undefined) {
      const name = this.#pendingClose
      this.#pendingClose = undefined
      return this.#close(name)
    }
    if (this.#at >= this.#text.length) throw END
    if (this.#text[this.#at] !== '<') return { kind: 'text', text: this.#characters('', false) }
    this.#at++
    switch (this.#peek()) {
      case '/':
        this.#at++
        return this.#endTag()
      case '?':
        this.#at++
        return this.#instruction()
      case '!':
        this.#at++
        return this.#declaration()
      default:
        return this.#startTag()
    }
  }

  #failure(what: string): MappingError {
    let line = 1
    for (let i = this.#text.indexOf('\n'); i >= 0 && i < this.#at; i = this.#text.indexOf('\n', i + 1)) line++
    return new MappingError(`XML syntax error on line ${line}: ${what}`)
  }

  #peek(): string {
    const char = this.#text[this.#at]
    if (char === undefined) throw this.#failure('unexpected EOF')
    return char
  }

  #get(): string {
    const char = this.#peek()
    this.#at++
    return char
  }

  #space(): void {
    while (this.#at < this.#text.length && SPACE.includes(this.#text[this.#at]!)) this.#at++
  }

  /** The longest run of name characters; empty if there are none. */
  #nameText(): string {
    this.#peek()
    const start = this.#at
    while (/[A-Za-z0-9_:.\-\x80-\uffff]/.test(this.#peek())) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #name(where: string): QualifiedName {
    const text = this.#nameText()
    if (text === '') throw this.#failure(where)
    if (!isName(text)) throw this.#failure(`invalid XML name: ${text}`)
    const parts = text.split(':')
    if (parts.length > 2) throw this.#failure(where)
    const [space = '', local = ''] = parts
    return parts.length === 2 && space !== '' && local !== '' ? { space, local } : { space: '', local: text }
  }

  #startTag(): XmlToken {
    const name = this.#name('expected element name after <')
    const attributes: (readonly [string, string])[] = []
    for (;;) {
      this.#space()
      const char = this.#peek()
      if (char === '/') {
        this.#at++
        if (this.#get() !== '>') throw this.#failure('expected /> in element')
        this.#pendingClose = name
        break
      }
      if (char === '>') {
        this.#at++
        break
      }
      const attribute = this.#name('expected attribute name in element')
      this.#space()
      if (this.#peek() !== '=') {
        attributes.push([attribute.local, attribute.local])
        continue
      }
      this.#at++
      this.#space()
      attributes.push([attribute.local, this.#attributeValue()])
    }
    this.#open.push(name)
    return { kind: 'start', name: name.local, attributes }
  }

  #attributeValue(): string {
    const mark = this.#peek()
    if (mark === '"' || mark === "'") {
      this.#at++
      return this.#characters(mark, false)
    }
    const start = this.#at
    while (/[A-Za-z0-9_:-]/.test(this.#peek())) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #endTag(): XmlToken {
    const name = this.#name('expected element name after </')
    this.#space()
    if (this.#get() !== '>') throw this.#failure(`invalid characters between </${name.local} and >`)
    return this.#close(name)
  }

  /** An end tag also closes the open elements inside it. */
  #close(name: QualifiedName): XmlToken {
    const open = this.#open.pop()
    if (open === undefined) throw this.#failure(`unexpected end element </${name.local}>`)
    if (open.local !== name.local) this.#pendingClose = name
    else if (open.space !== name.space) {
      const spaces = `element <${open.local}> in space ${open.space} closed by </${name.local}> in space ${name.space}`
      throw this.#failure(spaces)
    }
    return { kind: 'end' }
  }

  #instruction(): undefined {
    const target = this.#name('expected target name after <?').local
    this.#space()
    const close = this.#text.indexOf('?>', this.#at)
    if (close < 0) {
      this.#at = this.#text.length
      throw this.#failure('unexpected EOF')
    }
    const content = this.#text.slice(this.#at, close)
    this.#at = close + 2
    if (target !== 'xml') return undefined
    const version = instructionValue(content, 'version')
    if (version === '' || version === '1.0') return undefined
    throw new MappingError(`xml: unsupported version ${quote(version)}; only version 1.0 is supported`)
  }

  #declaration(): XmlToken | undefined {
    const char = this.#get()
    if (char === '-') {
      if (this.#get() !== '-') throw this.#failure('invalid sequence <!- not part of <!--')
      const close = this.#text.indexOf('--', this.#at)
      this.#at = close < 0 ? this.#text.length : close + 2
      if (this.#get() !== '>') throw this.#failure('invalid sequence "--" not allowed in comments')
      return undefined
    }
    if (char === '[') {
      for (const expected of 'CDATA[') if (this.#get() !== expected) throw this.#failure('invalid <![ sequence')
      return { kind: 'text', text: this.#characters('', true) }
    }
    this.#directive()
    return undefined
  }

  #directive(): void {
    let mark = ''
    let depth = 0
    for (;;) {
      const char = this.#get()
      if (mark !== '') {
        if (char === mark) mark = ''
      } else if (char === '"' || char === "'") mark = char
      else if (char === '>') {
        if (depth-- === 0) return
      } else if (char === '<') {
        if (!this.#text.startsWith('!--', this.#at)) {
          depth++
          continue
        }
        const close = this.#text.indexOf('-->', this.#at + 3)
        this.#at = close < 0 ? this.#text.length : close + 3
      }
    }
  }

  /** Reads text up to markup, the closing quote of an attribute or the end of a CDATA section. */
  #characters(mark: string, isCdata: boolean): string {
    let out = ''
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) {
        if (isCdata) throw this.#failure('unexpected EOF in CDATA section')
        // Text may extend to the end of the document; an unclosed quote is detected by its incomplete tag.
        break
      }
      if (mark === '' && char === ']' && this.#text.startsWith(']]>', this.#at)) {
        this.#at += 3
        if (isCdata) break
        throw this.#failure('unescaped ]]> not in CDATA section')
      }
      if (char === '<' && !isCdata) {
        if (mark === '') break
        this.#at++
        throw this.#failure('unescaped < inside quoted string')
      }
      this.#at++
      if (char === mark) break
      out += char === '&' && !isCdata ? this.#entity() : char
    }
    const text = out.replace(/\r\n?/g, '\n')
    // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
    const illegal = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/u.exec(text)
    if (illegal === null) return text
    const code = illegal[0].codePointAt(0)!
    if (code >= 0xd800 && code <= 0xdfff) throw this.#failure('invalid UTF-8')
    throw this.#failure(`illegal character code U+${code.toString(16).toUpperCase().padStart(4, '0')}`)
  }

  /** The text of a reference; an unknown one is unchanged. */
  #entity(): string {
    const start = this.#at
    const number = /^#(?:x([0-9a-fA-F]*)|([0-9]*))/.exec(this.#text.slice(start, start + 64))
    if (number !== null) {
      this.#at += number[0].length
      if (this.#peek() !== ';') return `&${number[0]}`
      this.#at++
      const digits = number[1] ?? number[2] ?? ''
      const code = digits === '' ? Number.NaN : Number.parseInt(digits, number[1] === undefined ? 10 : 16)
      if (!(code <= 0x10ffff)) return `&${number[0]};`
      return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : String.fromCodePoint(code)
    }
    const name = this.#nameText()
    if (this.#peek() !== ';') return `&${name}`
    this.#at++
    return (Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined) ?? `&${name};`
  }
}

/** Decodes a document with its declared encoding. */
function decode(bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  const head = /^\s*<\?xml\s([\s\S]*?)\?>/.exec(text.slice(0, 1000))
  const encoding = head === null ? '' : instructionValue(head[1]!, 'encoding')
  if (encoding === '' || encoding.toLowerCase() === 'utf-8') return text
  try {
    return new TextDecoder(encoding).decode(bytes)
  } catch {
    throw new MappingError(`xml: opening charset ${quote(encoding)}: unsupported charset: ${quote(encoding)}`)
  }
}

function instructionValue(content: string, name: string): string {
  return (
    new RegExp(`${name}=(?:"([^"]*)"|'([^']*)')`)
      .exec(content)
      ?.slice(1)
      .find(value => value !== undefined) ?? ''
  )
}
