/** Something wrong in a text that a user wrote. */
export interface Diagnostic {
  /** Without place: `expected query`. */
  readonly message: string
  /** From 1. */
  readonly line: number
  /** From 1, in code points. */
  readonly column: number
  /** `line 1 char 10: expected query`. */
  readonly text: string
  /** The same with the source line and a caret below it, several lines. */
  readonly excerpt: string
  /** The same place as one number: `char 10: expected query`, as the original reports interpolations. */
  readonly charText: string
  /** Nearest names or parameters, where one was unknown. */
  readonly suggestions: readonly string[]
}

/** What a diagnostic is made of: the place is an index of code points into `input`. */
export interface Failure {
  readonly position: number
  readonly message: string
  readonly suggestions?: readonly string[]
  /** The failure inside of an imported file. */
  readonly imported?: { readonly path: string; readonly input: readonly string[]; readonly failure: Failure }
}

/** Completes a failure with line, column and excerpt. `input` is the text as code points. */
export function diagnose(input: readonly string[], failure: Failure, file = ''): Diagnostic {
  const { line, column, lineStart } = locate(input, failure.position)
  const { imported } = failure
  const inner = imported === undefined ? undefined : diagnose(imported.input, imported.failure, imported.path)
  const message = inner === undefined ? failure.message : `failed to parse import '${imported!.path}': ${inner.text}`
  const head = imported === undefined ? failure.message : `failed to parse import '${imported.path}'`
  const margin = ' '.repeat(String(line).length)
  const prefix = file === '' ? '' : `${file}: `
  const shown = contextLine(input, lineStart, column - 1)
  const own = `${prefix}line ${line} char ${column}: ${head}\n${margin} |\n${line} | ${shown}\n${margin} | ${' '.repeat(column - 1)}^---`
  const charMessage =
    inner === undefined ? failure.message : `failed to parse import '${imported!.path}': ${inner.charText}`
  return {
    message,
    line,
    column,
    text: `line ${line} char ${column}: ${message}`,
    excerpt: inner === undefined ? own : `${own}\n\n${inner.excerpt}`,
    charText: `char ${failure.position + 1}: ${charMessage}`,
    suggestions: failure.suggestions ?? [],
  }
}

/** Line and column, both from 1, of a position. */
export function locate(
  input: readonly string[],
  position: number,
): { line: number; column: number; lineStart: number } {
  let line = 1
  let lineStart = 0
  for (let i = 0; i < position; i++) {
    if (input[i] !== '\n') continue
    line++
    lineStart = i + 1
  }
  return { line, column: position - lineStart + 1, lineStart }
}

/** The source line, cut 60 characters behind the place. */
function contextLine(input: readonly string[], lineStart: number, column: number): string {
  let end = lineStart
  while (end < input.length && input[end] !== '\n') end++
  return input.slice(lineStart, Math.min(end, lineStart + Math.max(column + 60, 0))).join('')
}
