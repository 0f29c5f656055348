import { Lexer } from 'yaml'

const REFERENCE = /\$\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?\}/g
const ESCAPED = /\$\{(\{[0-9A-Za-z_.]+(:((\$\{[^}]+\})|[^}])*)?\})\}/g

/** The text of a configuration with its environment variables substituted, and those that are missing. */
export interface Substituted {
  readonly text: string
  /** Variables that are neither set nor have a default; an empty string replaces them. */
  readonly missing: readonly string[]
}

/**
 * Substitutes environment variables for `${NAME}` and `${NAME:default}` anywhere in a configuration, before it is
 * parsed; `${{NAME}}` becomes a literal `${NAME}`. Line breaks in values become `\n`, because nothing else works inside
 * YAML. A variable that occurs only in YAML comments is not reported as missing; the original reports those as well.
 */
export function substituteEnv(text: string, lookup: (name: string) => string | undefined): Substituted {
  const missing: { readonly name: string; readonly offset: number }[] = []
  const replaced = text.replace(REFERENCE, (reference: string, ...groups: unknown[]) => {
    const colon = reference.indexOf(':')
    if (colon === -1) {
      const name = reference.slice(2, -1)
      const value = lookup(name)
      if (value === undefined) missing.push({ name, offset: groups.find(group => typeof group === 'number')! })
      return (value ?? '').replaceAll('\n', '\\n')
    }
    const value = lookup(reference.slice(2, colon)) || reference.slice(colon + 1, -1)
    return value.replaceAll('\n', '\\n')
  })
  return { text: replaced.replace(ESCAPED, (_, inner: string) => `$${inner}`), missing: outsideComments(text, missing) }
}

function outsideComments(
  text: string,
  references: readonly { readonly name: string; readonly offset: number }[],
): readonly string[] {
  if (references.length === 0) return []
  const comments = commentRanges(text)
  return references
    .filter(({ offset }) => !comments.some(({ start, end }) => start <= offset && offset < end))
    .map(({ name }) => name)
}

/** The ranges of the YAML comments in a text. A `#` inside a block scalar or quoted text does not start a comment. */
function commentRanges(text: string): readonly { readonly start: number; readonly end: number }[] {
  const ranges: { start: number; end: number }[] = []
  let offset = 0
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) continue
    if (token.startsWith('#')) ranges.push({ start: offset, end: offset + token.length })
    offset += token.length
  }
  return ranges
}

/** Tokens that the lexer inserts at the start of a document or scalar and at the end of a broken flow collection. */
const MARKS = new Set(['\u0002', '\u0018', '\u001f'])

/** Parses the `NAME=value` lines of a dotenv file. Throws an `Error` for any other line, except comments and blanks. */
export function parseDotEnv(text: string): Map<string, string> {
  const variables = new Map<string, string>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/.exec(trimmed)
    if (match === null) throw new Error(`line ${index + 1}: expected NAME=value`)
    variables.set(match[1]!, dotEnvValue(match[2]!))
  }
  return variables
}

function dotEnvValue(raw: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(raw)
  if (quoted !== null) {
    return quoted[1]!.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char === 't' ? '\t' : char))
  }
  const single = /^'([^']*)'\s*(?:#.*)?$/.exec(raw)
  if (single !== null) return single[1]!
  return raw.replace(/\s+#.*$/, '')
}
