import { Fragment, type ReactNode, useMemo } from 'react'
import { layOut } from './json-layout.ts'

/** A token of JSON text: a key with its colon, a string, a number, a word, or anything in between. */
const token = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g

/** Highlighting more than this many characters would make the page slow. */
const maximumColoured = 60_000

/** Text as it is, or JSON formatted and highlighted. Numbers are not parsed, so long ones stay as they were sent. */
export function JsonView({ text, pretty }: { text: string; pretty: boolean }) {
  const shown = useMemo(() => (pretty ? layOut(text) : text), [text, pretty])
  const coloured = useMemo(
    () => (pretty && shown !== undefined && shown.length <= maximumColoured ? colour(shown) : undefined),
    [shown, pretty],
  )
  return <pre className="text-xs leading-5 break-words whitespace-pre-wrap">{coloured ?? shown ?? text}</pre>
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
  // The parts never change their order, so their index is a good key.
  return parts.map((part, at) => <Fragment key={at}>{part}</Fragment>)
}
