import { utf8Text } from '../text/bytes.ts'

/** The value of a quoted string by Go's rules, or null where an escape is none. */
export function unquote(quoted: string): string | null {
  const inner = quoted.slice(1, -1)
  if (inner.includes('\n')) return null
  if (!inner.includes('\\')) return inner.includes('"') ? null : inner.toWellFormed()
  const parts: string[] = []
  let rawBytes: number[] = []
  const flush = () => {
    if (rawBytes.length === 0) return
    parts.push(utf8Text(Uint8Array.from(rawBytes)))
    rawBytes = []
  }
  for (const match of inner.matchAll(PIECE)) {
    const [piece] = match
    if (/^\\x[0-9a-fA-F]{2}$/.test(piece)) rawBytes.push(Number.parseInt(piece.slice(2), 16))
    else if (/^\\[0-7]{3}$/.test(piece)) {
      const byte = Number.parseInt(piece.slice(1), 8)
      if (byte > 255) return null
      rawBytes.push(byte)
    } else {
      const text = plainPiece(piece)
      if (text === null) return null
      flush()
      parts.push(text)
    }
  }
  flush()
  return parts.join('')
}

const PIECE = /[^\\]+|\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[\s\S]?/g

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

function plainPiece(piece: string): string | null {
  // Bytes that were no UTF-8, and halves of characters, are replaced; only an escape can write such a byte.
  if (!piece.startsWith('\\')) return piece.toWellFormed()
  if (piece.length === 6 || piece.length === 10) {
    const point = Number.parseInt(piece.slice(2), 16)
    return point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? null : String.fromCodePoint(point)
  }
  return ESCAPES[piece[1] ?? ''] ?? null
}
