import { type Place, SchemaError } from './syntax.ts'

export interface Token {
  readonly kind: 'name' | 'integer' | 'float' | 'text' | 'symbol' | 'end'
  /** The content, for a string. */
  readonly text: string
  readonly start: number
}

const PATTERN =
  /(?<space>[ \t\r\n\f\v]+|\/\/[^\n]*|\/\*[^]*?\*\/)|(?<name>[A-Za-z_]\w*)|(?<float>\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)|(?<integer>0[xX][\da-fA-F]+|\d+)|(?<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')|(?<symbol>[;{}[\]()<>=,.\-+:/])/y

/** The tokens of a `.proto` file, with an `end` after the last. */
export function tokensOf(path: string, source: string): readonly Token[] {
  const tokens: Token[] = []
  PATTERN.lastIndex = source.startsWith('\uFEFF') ? 1 : 0
  while (PATTERN.lastIndex < source.length) {
    const start = PATTERN.lastIndex
    const groups = PATTERN.exec(source)?.groups
    if (groups === undefined)
      throw new SchemaError(path, placeOf(source, start), `invalid character ${JSON.stringify(source[start])}`)
    if (groups['space'] !== undefined) continue
    for (const kind of ['name', 'float', 'integer', 'text', 'symbol'] as const) {
      const text = groups[kind]
      if (text !== undefined) tokens.push({ kind, text: kind === 'text' ? unescaped(text.slice(1, -1)) : text, start })
    }
  }
  tokens.push({ kind: 'end', text: 'end of file', start: source.length })
  return tokens
}

export function placeOf(source: string, start: number): Place {
  const before = source.slice(0, start)
  return { line: before.split('\n').length, column: start - before.lastIndexOf('\n') }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\u0007', b: '\b', f: '\f', v: '\v' }

function unescaped(text: string): string {
  return text.replaceAll(
    /\\(?:[xX]([\da-fA-F]{1,2})|([0-7]{1,3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/g,
    (_, hex?: string, octal?: string, short?: string, long?: string, char?: string) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
      const digits = hex ?? short ?? long
      if (digits === undefined) return ESCAPES[char!] ?? char!
      const code = Number.parseInt(digits, 16)
      return code > 0x10ffff ? '\uFFFD' : String.fromCodePoint(code)
    },
  )
}
