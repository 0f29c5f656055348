/** An invalid template. The message begins with its name and line. */
export class TemplateError extends Error {
  constructor(name: string, line: number, reason: string) {
    super(`template: ${name}:${line}: ${reason}`)
    this.name = 'TemplateError'
  }
}

type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'word'
  | 'field'
  | 'variable'
  | 'string'
  | 'number'
  | 'char'
  | 'symbol'
  | 'end'

export interface Token {
  readonly kind: TokenKind
  /** For strings, their content; for fields and variables, the name without its first character. */
  readonly text: string
  readonly line: number
  readonly column: number
  /** Whether it is preceded by a space. */
  readonly isSpaced: boolean
}

const ACTION =
  /(?<space>[ \t\r\n]+)|(?<close>-?\}\})|(?<field>\.[\p{L}_][\p{L}\p{N}_]*)|(?<variable>\$[\p{L}\p{N}_]*)|(?<string>"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`)|(?<char>'(?:[^'\\\n]|\\[^\n]+?)')|(?<number>[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<symbol>:=|[.|(),=])/uy

/** Splits a template into text and the tokens between braces. Throws {@link TemplateError}. */
export function tokensOf(name: string, source: string): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  let trims = false
  const push = (kind: TokenKind, text: string, start: number, isSpaced = false) => {
    const before = source.slice(0, start)
    const line = before.split('\n').length
    tokens.push({ kind, text, line, column: start - before.lastIndexOf('\n') - 1, isSpaced })
  }
  const lineAt = (place: number) => source.slice(0, place).split('\n').length
  while (at < source.length) {
    const open = source.indexOf('{{', at)
    const isTrimming = open !== -1 && /^\{\{-[ \t\r\n]/.test(source.slice(open, open + 4))
    let text = source.slice(at, open === -1 ? source.length : open)
    if (trims) text = text.trimStart()
    if (isTrimming) text = text.trimEnd()
    if (text !== '') push('text', text, at)
    if (open === -1) break
    at = open + (isTrimming ? 3 : 2)
    const comment = /^[ \t\r\n]*\/\*[^]*?\*\/(?<end>[ \t\r\n]+-\}\}|\}\})/.exec(source.slice(at))
    if (comment !== null) {
      at += comment[0].length
      trims = comment.groups?.['end'] !== '}}'
      continue
    }
    push('open', '{{', open)
    let isSpaced = false
    for (;;) {
      ACTION.lastIndex = at
      const groups = ACTION.exec(source)?.groups
      if (groups === undefined) {
        const char = source[at]
        if (char === undefined) throw new TemplateError(name, lineAt(open), 'unclosed action')
        if (char === '"' || char === '`') throw new TemplateError(name, lineAt(at), 'unterminated quoted string')
        const code = char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
        throw new TemplateError(name, lineAt(at), `unexpected bad character U+${code} '${char}' in command`)
      }
      // Exactly one group matches, since the pattern did.
      const [kind, found] = Object.entries(groups).find(([, value]) => value !== undefined) as [string, string]
      const start = at
      at = ACTION.lastIndex
      if (kind === 'space') {
        isSpaced = true
        continue
      }
      if (kind === 'close') {
        trims = found.length === 3
        push('close', '}}', start)
        break
      }
      const content =
        kind === 'string' ? unquoted(found) : kind === 'field' || kind === 'variable' ? found.slice(1) : found
      push(kind as TokenKind, content, start, isSpaced) // the groups are named after the kinds
      isSpaced = false
    }
  }
  push('end', '', source.length)
  return tokens
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' }

export function unquoted(literal: string): string {
  const inner = literal.slice(1, -1)
  if (literal.startsWith('`')) return inner
  return inner.replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/gu,
    (_, hex?: string, short?: string, long?: string, octal?: string, char?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      const digits = hex ?? short ?? long
      return digits === undefined
        ? (ESCAPES[char!] ?? char!)
        : String.fromCodePoint(Math.min(Number.parseInt(digits, 16), 0x10ffff))
    },
  )
}
