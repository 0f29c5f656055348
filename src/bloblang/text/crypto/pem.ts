const BEGIN = '-----BEGIN '
const END = '\n-----END '
const DASHES = '-----'
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The bytes of the first complete block of a PEM text; null if there is none. Surrounding text is ignored. */
export function decodePem(text: string): Buffer | null {
  for (let end = text.indexOf(END); end !== -1; end = text.indexOf(END, end + END.length)) {
    const begin = text.lastIndexOf(BEGIN, end)
    if (begin === -1 || (begin > 0 && text[begin - 1] !== '\n')) continue
    const [first, ...lines] = text.slice(begin + BEGIN.length, end).split('\n')
    const label = first!.trimEnd()
    if (!label.endsWith(DASHES)) continue
    const [last] = text.slice(end + END.length).split('\n', 1)
    if (last!.trimEnd() !== label) continue
    const base64 = withoutHeaders(lines)
      .join('')
      .replaceAll(/[ \t\r]/g, '')
    if (BASE64.test(base64)) return Buffer.from(base64, 'base64')
  }
  return null
}

/** Removes the `Name: value` headers before the content. */
function withoutHeaders(lines: readonly string[]): readonly string[] {
  const first = lines.findIndex(line => !line.includes(':'))
  return first === -1 ? [] : lines.slice(first)
}
