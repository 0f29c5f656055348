/** Bytes as the API encodes them: text, or base64 if they are not UTF-8. */
export interface EncodedBytes {
  readonly encoding: 'utf8' | 'base64'
  readonly data: string
}

export function toBytes({ encoding, data }: EncodedBytes): Uint8Array<ArrayBuffer> {
  if (encoding === 'utf8') return new TextEncoder().encode(data)
  return Uint8Array.from(atob(data), char => char.charCodeAt(0))
}

/** Whether the bytes are not readable as text: they are not UTF-8, or contain control characters. */
export function isBinary({ encoding, data }: EncodedBytes): boolean {
  // oxlint-disable-next-line no-control-regex -- these are what it searches for
  return encoding === 'base64' || /[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/.test(data)
}

/** One line of a hex dump: offset, bytes in hex, and the same bytes as ASCII with dots for unprintable ones. */
export function hexLine(bytes: Uint8Array, line: number, width: number): string {
  const part = bytes.subarray(line * width, (line + 1) * width)
  const hex = Array.from(
    part,
    (byte, at) => `${at > 0 && at % 8 === 0 ? ' ' : ''}${byte.toString(16).padStart(2, '0')}`,
  )
  const ascii = Array.from(part, byte => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'))
  const hexWidth = width * 3 - 1 + Math.floor((width - 1) / 8)
  const offset = (line * width).toString(16).padStart(8, '0')
  return `${offset}  ${hex.join(' ').padEnd(hexWidth)}  ${ascii.join('')}`
}

/** The whole dump, as a file or for the clipboard. */
export function hexDump(bytes: Uint8Array, width = 16): string {
  const lines = Math.ceil(bytes.length / width)
  return Array.from({ length: lines }, (_, line) => hexLine(bytes, line, width)).join('\n')
}

/** Splits a text into lines of at most `width` characters, so that each takes one row of a list. */
export function wrapLines(text: string, width: number): readonly string[] {
  const rows: string[] = []
  for (const line of text.split('\n')) {
    // A line without characters is a row, too.
    for (let start = 0; start === 0 || start < line.length; start += width) rows.push(line.slice(start, start + width))
  }
  return rows
}

/** Saves bytes as a file, through the browser's own download. */
export function download(bytes: Uint8Array<ArrayBuffer>, fileName: string): void {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  URL.revokeObjectURL(url)
}
