/** Where the reading of a YAML text stands, the kinds of its characters, and the wording of what is wrong with it. */
import { MappingError } from '../../errors.ts'
import type { YamlInput } from './input.ts'

/** A place in a text, moved by the functions that scan it. */
export class YamlCursor {
  /** Ends in NULs, which cannot occur in it, so that looking a few characters ahead needs no check. */
  readonly text: string
  readonly #end: number
  readonly #inputFault: string | undefined
  pos = 0
  /** From zero. */
  line = 0
  lineStart = 0
  /** Whether nothing but blanks stands between the last line break and here. */
  isBehindBreak = false

  constructor({ text, fault }: YamlInput) {
    this.text = `${text}\0\0\0\0`
    this.#end = text.length
    this.#inputFault = fault
  }

  get column(): number {
    return this.pos - this.lineStart
  }

  /** Steps over the line break that stands here. */
  skipBreak(): void {
    const isPair = this.text.charCodeAt(this.pos) === CR && this.text.charCodeAt(this.pos + 1) === LF
    this.pos += isPair ? 2 : 1
    this.line++
    this.lineStart = this.pos
    this.isBehindBreak = true
  }

  /** Fails where a character that may not occur is among the next ones. */
  require(count: number): void {
    if (this.#inputFault !== undefined && this.pos + count > this.#end) throw yamlFault(this.#inputFault)
  }

  /** Whether a line begins here with `---` or `...` that ends or begins a document. */
  isAtDocumentMark(): boolean {
    const { text, pos } = this
    if (pos !== this.lineStart) return false
    const code = text.charCodeAt(pos)
    if (code !== HYPHEN && code !== DOT) return false
    return (
      text.charCodeAt(pos + 1) === code && text.charCodeAt(pos + 2) === code && isBlankOrEnd(text.charCodeAt(pos + 3))
    )
  }
}

/** The characters that mean something in YAML, by their codes. */
export const TAB = 9
export const LF = 10
export const CR = 13
export const SPACE = 32
export const DOUBLE_QUOTE = 34
export const HASH = 35
export const PERCENT = 37
export const SINGLE_QUOTE = 39
export const PLUS = 43
export const HYPHEN = 45
export const DOT = 46
export const COLON = 58
export const BACKSLASH = 92

/** What a character of ASCII is, as bits that can be asked for together. */
export const BLANK = 1
export const BREAK = 2
export const NUL = 4
export const FLOW_INDICATOR = 8
export const COLON_MARK = 16
export const SINGLE_MARK = 32
export const DOUBLE_MARK = 64
const WORD = 128

/** The marks of each character of ASCII. */
export const MARKS = new Uint8Array(128)
for (const [characters, mark] of [
  [' \t', BLANK],
  ['\n\r', BREAK],
  ['\0', NUL],
  [',?[]{}', FLOW_INDICATOR],
  [':', COLON_MARK],
  ["'", SINGLE_MARK],
  ['"\\', DOUBLE_MARK],
  ['0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-', WORD],
] as const) {
  for (const character of characters) MARKS[character.charCodeAt(0)]! |= mark
}

/** The line breaks beyond ASCII: next line, line separator, paragraph separator. */
export function isWideBreak(code: number): boolean {
  return code === 0x85 || code === 0x2028 || code === 0x2029
}

/** A space or a tab. */
export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

/** Any line break. */
export function isBreak(code: number): boolean {
  return code === LF || code === CR || isWideBreak(code)
}

/** A line break, or the end of the text. */
export function isBreakOrEnd(code: number): boolean {
  return code === 0 || isBreak(code)
}

/** A blank, a line break, or the end of the text. */
export function isBlankOrEnd(code: number): boolean {
  return code < 128 ? (MARKS[code]! & (BLANK | BREAK | NUL)) !== 0 : isWideBreak(code)
}

/** Letters and digits of ASCII, `_` and `-`: what names of anchors, tags and directives are made of. */
export function isWordCharacter(code: number): boolean {
  return code < 128 && (MARKS[code]! & WORD) !== 0
}

/** The value of a hexadecimal digit; -1 for anything else. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

/** A line break as it stands in a value: the separators are themselves, all others a line feed. */
export function breakText(code: number): string {
  return code === 0x2028 || code === 0x2029 ? String.fromCharCode(code) : '\n'
}

/** What is wrong with a text, as the reader of the original words it. */
export function yamlFault(text: string): MappingError {
  return new MappingError(`yaml: ${text}`)
}

/**
 * A fault of the characters, in something that begins in one line, noticed in another (both from zero). The original names the
 * first of the two that is not the first line of the text, and no line if there is none.
 */
export function scanFault(text: string, startLine: number, line: number): MappingError {
  const named = startLine !== 0 ? startLine : line
  return yamlFault(named === 0 ? text : `line ${named + 1}: ${text}`)
}

/** A fault of the structure. The original forgets here that people count lines from one. */
export function structureFault(text: string, startLine: number, line = startLine): MappingError {
  const named = startLine !== 0 ? startLine : line
  return yamlFault(named === 0 ? text : `line ${named}: ${text}`)
}
