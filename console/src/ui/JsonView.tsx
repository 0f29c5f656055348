import { Fragment, type ReactNode, useMemo } from 'react'

/** A token of JSON text: a key with its colon, a string, a number, a word, or anything in between. */
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g

/** Coloured beyond this many characters would only make the page slow. */
const maximumColoured = 60_000

/** Text as it is, or JSON laid out and coloured. Numbers are never read, so that long ones stay as they were sent. */
export function JsonView({ text, pretty }: { text: string; pretty: boolean }) {
  const shown = useMemo(() => (pretty ? layOut(text) : text), [text, pretty])
  const coloured = useMemo(
    () => (pretty && shown !== undefined && shown.length <= maximumColoured ? colour(shown) : undefined),
    [shown, pretty],
  )
  return <pre className="text-xs leading-5 break-words whitespace-pre-wrap">{coloured ?? shown ?? text}</pre>
}

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

/** JSON with line breaks and two spaces a level, made from the text itself; undefined when it is not JSON. */
function layOut(text: string): string | undefined {
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

/** The place behind a string's closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function colour(json: string): ReactNode {
  const parts: ReactNode[] = []
  let done = 0
  for (const match of json.matchAll(token)) {
    parts.push(json.slice(done, match.index))
    const [whole, string, colon, number] = match
    const color =
      string !== undefined
        ? colon === undefined
          ? '--code-string'
          : '--code-key'
        : number === undefined
          ? '--code-keyword'
          : '--code-number'
    parts.push(<span style={{ color: `var(${color})` }}>{string ?? whole}</span>, colon ?? '')
    done = match.index + whole.length
  }
  parts.push(json.slice(done))
  // The parts never move among each other, so their place is a good key.
  return parts.map((part, at) => <Fragment key={at}>{part}</Fragment>)
}
