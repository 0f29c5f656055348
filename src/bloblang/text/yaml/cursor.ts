/** The position in a YAML text, the classes of its characters, and the wording of errors. */
import { MappingError } from '../../errors.ts'
import type { YamlInput } from './input.ts'

/** A position in a text, advanced by the functions that scan it. */
export class YamlCursor {
  /** Padded with NULs, which cannot occur in it, so that looking a few characters ahead needs no bounds check. */
  readonly text: string
  readonly #end: number
  readonly #inputFault: string | undefined
  pos = 0
  /** Counted from zero. */
  line = 0
  lineStart = 0
  /** Whether only blanks precede this position on its line. */
  isBehindBreak = false

  constructor({ text, fault }: YamlInput) {
    this.text = `${text}\0\0\0\0`
    this.#end = text.length
    this.#inputFault = fault
  }

  get column(): number {
    return this.pos - this.lineStart
  }

  /** Skips the line break at this position. */
  skipBreak(): void {
    const isPair = this.text.charCodeAt(this.pos) === CR && this.text.charCodeAt(this.pos + 1) === LF
    this.pos += isPair ? 2 : 1
    this.line++
    this.lineStart = this.pos
    this.isBehindBreak = true
  }

  /** Fails if a forbidden character is among the next ones. */
  require(count: number): void {
    if (this.#inputFault !== undefined && this.pos + count > this.#end) throw yamlFault(this.#inputFault)
  }

  /** Whether a document marker, `---` or `...`, is at this position. */
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

/** The characters with a meaning in YAML, by code. */
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

/** Classes of ASCII characters, as bits that can be tested together. */
export const BLANK = 1
export const BREAK = 2
export const NUL = 4
export const FLOW_INDICATOR = 8
export const COLON_MARK = 16
export const SINGLE_MARK = 32
export const DOUBLE_MARK = 64
const WORD = 128

/** The classes of each ASCII character. */
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

/** ASCII letters and digits, `_` and `-`: the characters of anchors, tag handles and directives. */
export function isWordCharacter(code: number): boolean {
  return code < 128 && (MARKS[code]! & WORD) !== 0
}

/** The value of a hexadecimal digit; -1 for anything else. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

/** A line break as part of a value: U+2028 and U+2029 are kept, all others become a line feed. */
export function breakText(code: number): string {
  return code === 0x2028 || code === 0x2029 ? String.fromCharCode(code) : '\n'
}

/** An error in the wording of the original's YAML reader. */
export function yamlFault(text: string): MappingError {
  return new MappingError(`yaml: ${text}`)
}

/**
 * A lexical error in a construct that starts on one line and is detected on another, both counted from zero. The
 * original reports the first of the two that is not line zero, and no line if there is none.
 */
export function scanFault(text: string, startLine: number, line: number): MappingError {
  const named = startLine !== 0 ? startLine : line
  return yamlFault(named === 0 ? text : `line ${named + 1}: ${text}`)
}

/** A structural error. The original reports these with lines counted from zero. */
export function structureFault(text: string, startLine: number, line = startLine): MappingError {
  const named = startLine !== 0 ? startLine : line
  return yamlFault(named === 0 ? text : `line ${named}: ${text}`)
}
