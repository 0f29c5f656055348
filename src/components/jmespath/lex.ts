/** The kinds of tokens, named as in the original's error messages. */
export type TokenKind =
  | 'tUnknown'
  | 'tStar'
  | 'tDot'
  | 'tFilter'
  | 'tFlatten'
  | 'tLparen'
  | 'tRparen'
  | 'tLbracket'
  | 'tRbracket'
  | 'tLbrace'
  | 'tRbrace'
  | 'tOr'
  | 'tPipe'
  | 'tNumber'
  | 'tUnquotedIdentifier'
  | 'tQuotedIdentifier'
  | 'tComma'
  | 'tColon'
  | 'tLT'
  | 'tLTE'
  | 'tGT'
  | 'tGTE'
  | 'tEQ'
  | 'tNE'
  | 'tJSONLiteral'
  | 'tStringLiteral'
  | 'tCurrent'
  | 'tExpref'
  | 'tAnd'
  | 'tNot'
  | 'tEOF'

export interface Token {
  readonly kind: TokenKind
  /** A name or string without its quotes, or the text of a JSON literal. */
  readonly text: string
}

/** A syntax error in a query. */
export class JmesSyntaxError extends Error {
  constructor(message: string) {
    super(`SyntaxError: ${message}`)
    this.name = 'JmesSyntaxError'
  }
}

const kinds: Readonly<Record<string, TokenKind>> = {
  '.': 'tDot',
  '*': 'tStar',
  ',': 'tComma',
  ':': 'tColon',
  '{': 'tLbrace',
  '}': 'tRbrace',
  ']': 'tRbracket',
  '(': 'tLparen',
  ')': 'tRparen',
  '@': 'tCurrent',
  '[?': 'tFilter',
  '[]': 'tFlatten',
  '[': 'tLbracket',
  '||': 'tOr',
  '|': 'tPipe',
  '<=': 'tLTE',
  '<': 'tLT',
  '>=': 'tGTE',
  '>': 'tGT',
  '!=': 'tNE',
  '!': 'tNot',
  '==': 'tEQ',
  '=': 'tUnknown',
  '&&': 'tAnd',
  '&': 'tExpref',
}

const TOKEN =
  /([ \t\r\n]+)|([A-Za-z_][A-Za-z0-9_]*)|(-?[0-9]+|-)|"((?:\\[\s\S]|[^"\\])*)"|'((?:\\'|[^'])*)'|`((?:\\[\s\S]|[^`\\])*)`|(\[\?|\[\]|\|\||<=|>=|!=|==|&&|[.*,:{}\]()@[|<>!=&])/y

/** The tokens of a query, followed by an end marker. Throws {@link JmesSyntaxError}. */
export function tokensOf(query: string): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < query.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(query)
    if (match === null) throw new JmesSyntaxError(faultAt(query, at))
    const token = tokenOf(match)
    if (token !== undefined) tokens.push(token)
  }
  return [...tokens, { kind: 'tEOF', text: '' }]
}

function tokenOf([, blank, name, number, quoted, raw, literal, symbol]: RegExpExecArray): Token | undefined {
  if (blank !== undefined) return undefined
  if (name !== undefined) return { kind: 'tUnquotedIdentifier', text: name }
  if (number !== undefined) return { kind: 'tNumber', text: number }
  if (quoted !== undefined) return { kind: 'tQuotedIdentifier', text: unquoted(quoted) }
  if (raw !== undefined) return { kind: 'tStringLiteral', text: raw.replaceAll("\\'", "'") }
  if (literal !== undefined) return { kind: 'tJSONLiteral', text: literal.replaceAll('\\`', '`') }
  return { kind: kinds[symbol!]!, text: symbol! }
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    throw new JmesSyntaxError(`Invalid quoted identifier: "${text}"`)
  }
}

function faultAt(query: string, at: number): string {
  const character = String.fromCodePoint(query.codePointAt(at)!)
  return `"'\``.includes(character) ? `Unclosed delimiter: ${character}` : `Unknown char: '${character}'`
}
