import { MappingError } from '../errors.ts'
import { mapLeaves } from '../data/deep.ts'
import { Float, JsonNumber, type Value } from '../value.ts'
import { utf8Text } from '../text/bytes.ts'
import { isUtf8 } from '../text/is-utf8.ts'
import { JsonScanner, MAX_DEPTH, quoteCharacter, UNEXPECTED_END } from './scan.ts'

/**
 * Texts for which `JSON.parse` may lose information: after a delimiter a number that JavaScript prints differently (a
 * trailing zero in the fraction, an exponent, 16 or more digits, `-0`, below 1e-6), or half of a surrogate pair as an
 * escape. False positives inside strings only cost time.
 */
const NEEDS_CARE =
  /(?:^|[:,[\s])-?(?:\d+\.\d*0(?!\d)|\d+(?:\.\d+)?[eE]|\d[\d.]{16}|9\d{15}|0\.0{6})|(?:^|[:,[\s])-0(?!\.)|\\u[dD][89a-fA-F]/

function needsCare(text: string): boolean {
  return NEEDS_CARE.test(text) || isTooDeep(text)
}

/** Whether a text is nested more deeply than allowed; scans it only if it has enough brackets for that. */
export function isTooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false
  let brackets = 0
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at !== -1 && brackets <= MAX_DEPTH; at = text.indexOf(bracket, at + 1))
      brackets++
  }
  if (brackets <= MAX_DEPTH) return false
  let depth = 0
  for (let at = 0; at < text.length && depth <= MAX_DEPTH; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = endOfString(text, at + 1)
    else if (code === 0x5b || code === 0x7b) depth++
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth--
  }
  return depth > MAX_DEPTH
}

function endOfString(text: string, start: number): number {
  let at = start
  while (at < text.length && text.charCodeAt(at) !== 0x22) at += text.charCodeAt(at) === 0x5c ? 2 : 1
  return at
}

/**
 * Parses the document of a message; numbers keep their text. Exactly one document, with optional white space around it.
 * Throws a `MappingError` with the original's texts (`invalid character 'x' looking for beginning of value`).
 */
export function parseDocument(bytes: Uint8Array): Value {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // The scanner reports a byte that is not UTF-8, and replaces it with U+FFFD inside strings.
  return isUtf8(buffer) ? parseDocumentText(buffer.toString('utf8')) : scanDocument(utf8Text(bytes))
}

/** The original's error for an empty body. */
export const EMPTY_BODY = 'target message part does not exist'

/** Parses the document of a message body, given as bytes or as text; an empty body is a distinct error. */
export function parseBody(body: Uint8Array | string): Value {
  if (body.length === 0) throw new MappingError(EMPTY_BODY)
  return typeof body === 'string' ? parseDocumentText(body) : parseDocument(body)
}

/** Parses a document from text. */
export function parseDocumentText(text: string): Value {
  if (!needsCare(text)) {
    try {
      return JSON.parse(text) as Value // all JSON values are values of the language
    } catch {
      // The scanner finds the same error and words it.
    }
  }
  return scanDocument(text)
}

function scanDocument(text: string): Value {
  const scanner = new JsonScanner(text)
  scanner.skipSpace()
  if (scanner.atEnd) throw new MappingError('EOF')
  const value = fromStream(() => scanner.value())
  scanner.skipSpace()
  if (scanner.atEnd) return value
  fromStream(() => scanner.value())
  scanner.skipSpace()
  if (!scanner.atEnd) fromStream(() => scanner.value())
  throw new MappingError('message contains multiple valid documents')
}

/** Parses JSON text inside a mapping, with the errors of a complete text: `unexpected end of JSON input`. */
export function parseJson(text: string): Value {
  if (!needsCare(text)) {
    try {
      return JSON.parse(text) as Value // all JSON values are values of the language
    } catch {
      // The scanner below finds the same error and words it.
    }
  }
  const scanner = new JsonScanner(text)
  const value = scanner.value()
  scanner.skipSpace()
  if (scanner.atEnd) return value
  throw trailing(text, scanner.position)
}

/** Converts all numbers of a document to floats, as a parser does that does not keep their text. */
export function withFloats(value: Value): Value {
  return mapLeaves(value, toFloat)
}

function toFloat(value: Value): Value {
  if (typeof value === 'number') return new Float(value)
  return value instanceof JsonNumber ? new Float(Number(value.text)) : value
}

function trailing(text: string, at: number): MappingError {
  return new MappingError(`invalid character ${quoteCharacter(text, at)} after top-level value`)
}

/** Rewords the error for input that ends inside a value, as the original does for streams. */
function fromStream<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error === UNEXPECTED_END ? new MappingError('unexpected EOF') : error
  }
}
