/** Marks whose inside is no element, with what ends them. */
const OPAQUE: readonly (readonly [start: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
  ['<!', '>'],
]

/** XML documents that stand one behind the other, each up to the end of its root element; a broken one goes up to the end. */
export function splitXml(text: string): readonly string[] {
  const documents: string[] = []
  let begin = 0
  let depth = 0
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const opaque = OPAQUE.find(([start]) => text.startsWith(start, at))
    if (opaque !== undefined) {
      const end = text.indexOf(opaque[1], at + opaque[0].length)
      if (end === -1) break
      at = end + opaque[1].length
      continue
    }
    const end = tagEnd(text, at)
    if (end === -1) break
    if (text[at + 1] === '/') depth--
    else if (text[end - 1] !== '/') depth++
    at = end + 1
    if (depth > 0) continue
    documents.push(text.slice(begin, at))
    begin = at
    depth = 0
  }
  const rest = text.slice(begin)
  if (documents.length === 0 || rest.includes('<')) documents.push(rest)
  return documents
}

/** Where a tag ends: a `>` in a quoted value does not. */
function tagEnd(text: string, start: number): number {
  let quote = ''
  for (let at = start; at < text.length; at++) {
    const char = text[at]!
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '>') return at
  }
  return -1
}
