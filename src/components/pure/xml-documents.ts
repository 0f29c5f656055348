import { StringDecoder } from 'node:string_decoder'

/** Markup that is not an element, as pairs of start and end. */
const OPAQUE: readonly (readonly [start: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['<!', '>'],
]
const LONGEST_START = 9

/**
 * Splits consecutive XML documents at the ends of their root elements; a malformed one extends to the end of the text.
 */
export function splitXml(text: string): readonly string[] {
  const splitter = new XmlSplitter(text.length)
  const documents = [...splitter.pushText(text), ...splitter.end()]
  return documents.length === 0 ? [text] : documents
}

/** Maximum length of a document in a stream, in characters. */
const MAX_DOCUMENT_CHARS = 67_108_864

/** Finds XML documents in text that arrives in pieces. */
export class XmlSplitter {
  readonly #maxChars: number
  readonly #decoder = new StringDecoder('utf8')
  /** The text from the start of the current document. */
  #text = ''
  #at = 0
  #depth = 0

  constructor(maxChars = MAX_DOCUMENT_CHARS) {
    this.#maxChars = maxChars
  }

  /** The documents that end within a piece. Throws if one is too long. */
  push(piece: Uint8Array): string[] {
    return this.pushText(this.#decoder.write(piece))
  }

  pushText(piece: string): string[] {
    this.#text += piece
    const documents: string[] = []
    for (;;) {
      const open = this.#text.indexOf('<', this.#at)
      if (open === -1) {
        if (!this.#text.includes('<')) this.#forget(this.#text.length)
        else this.#at = this.#text.length
        break
      }
      if (
        this.#depth === 0 &&
        open > this.#at &&
        this.#text.slice(0, open).trim() !== '' &&
        !this.#text.slice(0, open).includes('<')
      ) {
        this.#forget(open)
        continue
      }
      const end = this.#markEnd(open)
      if (end === -1) {
        this.#at = open
        break
      }
      this.#at = end
      if (this.#depth > 0 || !this.#isClosed(open)) continue
      documents.push(this.#text.slice(0, end))
      this.#forget(end)
    }
    if (this.#text.length > this.#maxChars)
      throw new Error(`an XML document has more than ${this.#maxChars} characters`)
    return documents
  }

  /** A document that did not end. */
  end(): string[] {
    const rest = this.#text
    this.#forget(rest.length)
    return rest.includes('<') ? [rest] : []
  }

  #forget(end: number): void {
    this.#text = this.#text.slice(end)
    this.#at = 0
    this.#depth = 0
  }

  /** Whether the markup at `open`, which was just skipped, is an element and so can end a document. */
  #isClosed(open: number): boolean {
    return !OPAQUE.some(([start]) => this.#text.startsWith(start, open))
  }

  /** Skips the markup at `open`; returns its end, or -1 if that has not arrived yet. */
  #markEnd(open: number): number {
    // What may still turn out to be a comment or CDATA must not be taken for a declaration.
    if (this.#text.length - open < LONGEST_START && '<![CDATA['.startsWith(this.#text.slice(open, open + 3))) return -1
    const opaque = OPAQUE.find(([start]) => this.#text.startsWith(start, open))
    if (opaque !== undefined) {
      const end = this.#text.indexOf(opaque[1], open + opaque[0].length)
      return end === -1 ? -1 : end + opaque[1].length
    }
    const end = tagEnd(this.#text, open)
    if (end === -1) return -1
    if (this.#text[open + 1] === '/') this.#depth--
    else if (this.#text[end - 1] !== '/') this.#depth++
    return end + 1
  }
}

/** The position of the `>` that ends a tag, outside quoted values. */
function tagEnd(text: string, start: number): number {
  let quote = ''
  for (let at = start; at < text.length; at++) {
    const char = text[at]!
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '>') return at
  }
  return -1
}
