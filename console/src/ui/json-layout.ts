/** Whether a text is a JSON object or array. */
export function isJsonDocument(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    JSON.parse(text)
    return true
  } catch (_notJson) {
    return false
  }
}

/** JSON with line breaks and two spaces per level, made from the text itself; undefined if it is not JSON. */
export function layOut(text: string): string | undefined {
  if (!isJsonDocument(text)) return undefined
  let out = ''
  let depth = 0
  const lineBreak = () => `\n${'  '.repeat(depth)}`
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') {
      const end = endOfString(text, at)
      out += text.slice(at, end)
      at = end - 1
    } else if (char === '{' || char === '[') {
      const close = /^\s*[}\]]/.exec(text.slice(at + 1, at + 200))
      if (close !== null) {
        out += char + close[0].trim()
        at += close[0].length
      } else {
        depth++
        out += char + lineBreak()
      }
    } else if (char === '}' || char === ']') {
      depth--
      out += lineBreak() + char
    } else if (char === ',') out += `,${lineBreak()}`
    else if (char === ':') out += ': '
    else if (!/\s/.test(char)) out += char
  }
  return out
}

/** The index after a string's closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}
