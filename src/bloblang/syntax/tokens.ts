/** The kind of a token, for syntax highlighting. */
export type TokenKind =
  | 'comment'
  | 'string'
  | 'number'
  | 'constant'
  | 'keyword'
  | 'function'
  | 'method'
  | 'variable'
  | 'metadata'
  | 'root'
  | 'path'
  | 'operator'
  | 'bracket'

/** A token with its position. */
export interface Token {
  readonly kind: TokenKind
  /** In UTF-16 units of the text. */
  readonly start: number
  readonly end: number
}

/** The tokens of a text, valid or not; anything else (white space, stray characters) is omitted. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  let before: Token | undefined
  for (let at = 0; at < text.length; ) {
    PIECE.lastIndex = at
    const match = PIECE.exec(text)
    if (match === null) {
      at++
      continue
    }
    const end = PIECE.lastIndex
    const kind = kindOf(match.groups!, text, at, end, before)
    if (kind !== null) {
      before = { kind, start: at, end }
      tokens.push(before)
    }
    at = end
  }
  return tokens
}

const PIECE =
  /(?<blank>\s+)|(?<comment>#[^\n]*)|(?<string>"""[^]*?(?:"""|$)|"(?:[^"\\\n]|\\[^\n])*"?)|(?<variable>\$[A-Za-z0-9_]+)|(?<metadata>@[A-Za-z0-9_]*)|(?<number>\d+(?:\.\d+)?(?![A-Za-z0-9_]))|(?<name>[A-Za-z0-9_]+)|(?<operator>->|=>|&&|\|\||[=!<>]=|[-+*/%<>|=!:.,])|(?<bracket>[()[\]{}])/y

const KEYWORDS = new Set(['let', 'meta', 'map', 'import', 'from', 'if', 'else', 'match'])
const CONSTANTS = new Set(['true', 'false', 'null', '_'])

function kindOf(
  groups: Readonly<Record<string, string | undefined>>,
  text: string,
  start: number,
  end: number,
  before: Token | undefined,
): TokenKind | null {
  const { name } = groups
  if (name !== undefined)
    return nameKind(name, text, end, before !== undefined && text[before.start] === '.' && before.end === start)
  for (const kind of ['comment', 'string', 'variable', 'metadata', 'number', 'operator', 'bracket'] as const) {
    if (groups[kind] !== undefined) return kind
  }
  return null
}

function nameKind(name: string, text: string, end: number, afterDot: boolean): TokenKind {
  if (text[end] === '(') return afterDot ? 'method' : 'function'
  if (afterDot) return 'path'
  if (KEYWORDS.has(name) && /[\s{"]/.test(text[end] ?? ' ')) return 'keyword'
  if (CONSTANTS.has(name)) return 'constant'
  return name === 'root' || name === 'this' ? 'root' : 'path'
}
