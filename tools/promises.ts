// Every promise of ARCHITECTURE.md and the ADRs is verified by something that fails if it is untrue. A sentence with an
// absolute word ("never", "only", "every" …) has a footnote, which links to a check, or to a test and names it.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Reads a file of the repository; undefined if there is none. */
type Read = (path: string) => string | undefined

/** Findings `file: what is wrong`; none if every promise is verified. */
export function checkPromises(): string[] {
  const read: Read = path => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  return ['ARCHITECTURE.md', ...globSync('docs/adr/[0-9]*.md').toSorted()].flatMap(page =>
    findingsOf(page, readFileSync(page, 'utf8'), read),
  )
}

/** Findings on one page. */
export function findingsOf(page: string, text: string, read: Read): string[] {
  if (text.includes('**Superseded**')) return []
  const notes = new Map([...text.matchAll(/^\[\^([\w-]+)\]: (.*)$/gm)].map(([, id, note]) => [id!, note!]))
  const promises = sentencesOf(text).filter(isPromise)
  const used = new Set([...withoutCode(text).matchAll(/\[\^([\w-]+)\](?!:)/g)].map(([, id]) => id!))
  return [
    ...promises
      .filter(sentence => !/\[\^[\w-]+\]/.test(sentence))
      .map(
        sentence =>
          `${page}: no footnote backs ${JSON.stringify(sentence)}; add one that names its test, or weaken the sentence`,
      ),
    ...[...used].filter(id => !notes.has(id)).map(id => `${page}: the footnote [^${id}] is missing`),
    ...[...notes].flatMap(([id, note]) =>
      used.has(id) ? brokenLinks(page, note, read) : [`${page}: nothing refers to the footnote [^${id}]`],
    ),
  ]
}

/**
 * Paragraphs with reasons and figures; no test can verify statements about other programs or about what was not done.
 */
const reasons = /^(?:- )?\*\*?(?:Why|Considered|Not chosen|Not done|Measured)\b/

/**
 * The sentences of a page that may promise something: those of paragraphs and lists, and the rows of tables. Headings,
 * code, footnotes, reasons, and items marked as decided but not built (○) are left out.
 */
function sentencesOf(text: string): string[] {
  const blocks = withoutCode(text)
    .replace(/^\[\^[\w-]+\]: .*$/gm, '')
    .split(/\n\s*\n|\n(?=- |\|)/)
    .map(block => block.replace(/\s+/g, ' ').trim())
  return blocks
    .filter(block => block !== '' && !/^(?:#|- ○)/.test(block) && !reasons.test(block))
    .flatMap(block => (block.startsWith('|') ? [block] : block.split(sentenceEnd)))
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, '')
}

/** After a full stop and the footnotes that follow it. */
const sentenceEnd = /(?<=[.!?](?:\*\*)?\)?(?:\[\^[\w-]+\])*)\s+(?=[A-Z`*"'(○])/

/** "every 500 ms" and "every two seconds" are figures, not promises. */
function isPromise(sentence: string): boolean {
  const words = sentence.replace(/`[^`]*`/g, '').replace(/\bevery (?:\d|one|two|three|few)/gi, '')
  return /\b(?:never|only|exactly|always|at most|every|nothing|nobody)\b/i.test(words) || /^- No\b/.test(sentence)
}

/**
 * A footnote consists of links, each followed by the names of what verifies the promise in that file, in double quotes.
 * Checks of the repository (`tools/`) verify a promise as a whole; a test is named.
 */
function brokenLinks(page: string, note: string, read: Read): string[] {
  const links = [...note.matchAll(/\]\(([^)]+)\)((?:[^[]|\[(?![^\]]*\]\())*)/g)]
  if (links.length === 0) return [`${page}: no check is linked in the footnote ${JSON.stringify(note)}`]
  return links.flatMap(([, link, rest]) => {
    const path = join(dirname(page), link!)
    const text = isCheck(path) ? read(path) : undefined
    if (text === undefined) return [`${page}: ${link} is not an existing check or test`]
    const names = [...rest!.matchAll(/"([^"]+)"/g)].map(([, name]) => name!)
    if (names.length === 0 && !/^tools\/[\w/-]+\.ts$/.test(path))
      return [`${page}: name the test in ${link} that is meant`]
    return names
      .filter(name => !text.includes(name))
      .map(name => `${page}: there is no ${JSON.stringify(name)} in ${path}`)
  })
}

function isCheck(path: string): boolean {
  return /^(?:tools\/[\w./-]+\.ts|test\/.*\.ts|(?:src|console)\/.*\.(?:test|suite)\.ts|\.oxlintrc\.json)$/.test(path)
}
