/** An error in a text that a user wrote. */
export interface Diagnostic {
  /** Without location: `expected query`. */
  readonly message: string
  /** From 1. */
  readonly line: number
  /** From 1, in code points. */
  readonly column: number
  /** The position in the text, in UTF-16 units from 0. */
  readonly offset: number
  /** Where the error begins, in the same unit: at a name, for example, where `offset` is after its arguments. */
  readonly startOffset: number
  /** `line 1 char 10: expected query`. */
  readonly text: string
  /** The same with the source line and a caret below it, on several lines. */
  readonly excerpt: string
  /** The same with the location as one number: `char 10: expected query`, as the original reports interpolations. */
  readonly charText: string
  /** The message and the text found instead, as the original words it when it gives no location. */
  readonly gotMessage: string
  /** The nearest names or parameters, if one was unknown. */
  readonly suggestions: readonly string[]
}

/** The input for a diagnostic. */
export interface Failure {
  /** In UTF-16 units of the text. */
  readonly at: number
  /** Where the error begins; defaults to `at`. */
  readonly from?: number
  readonly message: string
  /** Whether the message says what was expected. */
  readonly expects?: boolean
  readonly suggestions?: readonly string[]
  /** The failure inside an imported file. */
  readonly imported?: { readonly path: string; readonly text: string; readonly failure: Failure }
}

/** Converts a failure to a diagnostic with line, column and excerpt. */
export function diagnose(text: string, failure: Failure, file = ''): Diagnostic {
  const { line, column, lineStart } = locate(text, failure.at)
  const { imported } = failure
  const inner = imported === undefined ? undefined : diagnose(imported.text, imported.failure, imported.path)
  const head = imported === undefined ? failure.message : `failed to parse import '${imported.path}'`
  const message = inner === undefined ? head : `${head}: ${inner.text}`
  const margin = ' '.repeat(String(line).length)
  const prefix = file === '' ? '' : `${file}: `
  const shown = contextLine(text, lineStart, column - 1)
  const own = `${prefix}line ${line} char ${column}: ${head}\n${margin} |\n${line} | ${shown}\n${margin} | ${' '.repeat(column - 1)}^---`
  return {
    message,
    line,
    column,
    offset: failure.at,
    startOffset: failure.from ?? failure.at,
    text: `line ${line} char ${column}: ${message}`,
    excerpt: inner === undefined ? own : `${own}\n\n${inner.excerpt}`,
    charText: `char ${countPoints(text, 0, failure.at) + 1}: ${inner === undefined ? head : `${head}: ${inner.charText}`}`,
    gotMessage: `${head}${got(text, failure)}`,
    suggestions: failure.suggestions ?? [],
  }
}

/** Line and column, both from 1, of a position in a text. */
function locate(text: string, at: number): { line: number; column: number; lineStart: number } {
  let line = 1
  let lineStart = 0
  for (let next = text.indexOf('\n'); next !== -1 && next < at; next = text.indexOf('\n', lineStart)) {
    line++
    lineStart = next + 1
  }
  return { line, column: countPoints(text, lineStart, at) + 1, lineStart }
}

/** The number of characters between two positions; a surrogate pair counts as one. */
function countPoints(text: string, from: number, to: number): number {
  let count = 0
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at)
    if (unit < 0xdc00 || unit > 0xdfff) count++
  }
  return count
}

/** The source line, cut off 60 characters after the position. */
function contextLine(text: string, lineStart: number, column: number): string {
  const end = text.indexOf('\n', lineStart)
  const line = [...text.slice(lineStart, end === -1 ? undefined : end)]
  return column < line.length - 60 ? line.slice(0, column + 60).join('') : line.join('')
}

/** Up to five characters from the position on. */
function got(text: string, failure: Failure): string {
  const snippet = [...text.slice(failure.at, failure.at + 10)].slice(0, 5).join('')
  if (failure.expects === true) return snippet === '' ? ', but reached end of input' : `, got: ${snippet}`
  return snippet === '' ? '' : `: ${snippet}`
}
