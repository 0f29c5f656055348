/** Splits a text into its JSON documents, each as text. A malformed rest comes last, for the parser to report. */
export function splitDocuments(text: string): readonly string[] {
  const documents: string[] = []
  let start = -1
  let depth = 0
  let inText = false
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (inText) {
      if (char === '\\') i++
      else if (char === '"') {
        inText = false
        if (depth === 0) {
          documents.push(text.slice(start, i + 1))
          start = -1
        }
      }
      continue
    }
    const isBlank = char === ' ' || char === '\n' || char === '\r' || char === '\t'
    if (start === -1) {
      if (isBlank) continue
      start = i
    } else if (depth === 0 && (isBlank || char === '{' || char === '[' || char === '"')) {
      // A bare number or word ends where something else begins.
      documents.push(text.slice(start, i))
      start = isBlank ? -1 : i
      if (isBlank) continue
    }
    if (char === '"') inText = true
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth <= 0) {
      documents.push(text.slice(start, i + 1))
      start = -1
      depth = 0
    }
  }
  if (start !== -1) documents.push(text.slice(start))
  return documents
}
