import { syntaxTree } from '@codemirror/language'
import { type Extension, RangeSetBuilder } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'

/** Fields whose text is a mapping, whatever component they belong to. */
const mappingFields = new Set([
  'mapping',
  'mutation',
  'bloblang',
  'request_map',
  'result_map',
  'args_mapping',
  'check',
  'while',
])

const words: Readonly<Record<string, string>> = {
  root: 'keyword',
  this: 'keyword',
  meta: 'keyword',
  let: 'keyword',
  map: 'keyword',
  import: 'keyword',
  from: 'keyword',
  if: 'keyword',
  else: 'keyword',
  match: 'keyword',
  true: 'number',
  false: 'number',
  null: 'number',
}

const token =
  /(#.*)|("""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*")|(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)(\()?|(@[A-Za-z0-9_]*|\$[A-Za-z0-9_]+)/g

const marks = {
  keyword: Decoration.mark({ class: 'blobl-keyword' }),
  string: Decoration.mark({ class: 'blobl-string' }),
  number: Decoration.mark({ class: 'blobl-number' }),
  comment: Decoration.mark({ class: 'blobl-comment' }),
  function: Decoration.mark({ class: 'blobl-function' }),
  plain: Decoration.mark({ class: 'blobl-plain' }),
}

/** Colours the mappings inside of a YAML document, which for YAML itself are only long strings. */
export function bloblangHighlight(): Extension {
  const plugin = ViewPlugin.fromClass(
    class {
      decorations: DecorationSet

      constructor(view: EditorView) {
        this.decorations = decorate(view)
      }

      update(update: ViewUpdate) {
        const reparsed = syntaxTree(update.startState) !== syntaxTree(update.state)
        if (update.docChanged || update.viewportChanged || reparsed) this.decorations = decorate(update.view)
      }
    },
    { decorations: plugin => plugin.decorations },
  )
  // A mapping's marks lie inside of the string that YAML sees, so they must win over its colour.
  const look = EditorView.theme({
    '.blobl-keyword, .blobl-keyword *': { color: 'var(--code-keyword) !important' },
    '.blobl-string, .blobl-string *': { color: 'var(--code-string) !important' },
    '.blobl-number, .blobl-number *': { color: 'var(--code-number) !important' },
    '.blobl-comment, .blobl-comment *': { color: 'var(--code-comment) !important', fontStyle: 'italic' },
    '.blobl-function, .blobl-function *': { color: 'var(--code-function) !important' },
    '.blobl-plain, .blobl-plain *': { color: 'var(--ink) !important' },
  })
  return [plugin, look]
}

function decorate(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>()
  let done = 0
  for (const { from, to } of view.visibleRanges) {
    syntaxTree(view.state).iterate({
      from,
      to,
      enter: node => {
        if (node.name !== 'Pair') return
        const key = node.node.getChild('Key')
        const value = node.node.lastChild
        if (key === null || value === null || value.from < done) return
        if (!['BlockLiteral', 'QuotedLiteral', 'Literal'].includes(value.name)) return
        if (!mappingFields.has(view.state.sliceDoc(key.from, key.to))) return
        // A block begins behind its `|` and line break; a quoted text behind its quote.
        const content = value.getChild('BlockLiteralContent') ?? value
        const quote = value.name === 'QuotedLiteral' ? 1 : 0
        markMapping(builder, view.state.sliceDoc(content.from + quote, content.to - quote), content.from + quote)
        done = value.to
      },
    })
  }
  return builder.finish()
}

function markMapping(builder: RangeSetBuilder<Decoration>, text: string, offset: number): void {
  let plainFrom = 0
  const plainTo = (end: number) => {
    if (end > plainFrom) builder.add(offset + plainFrom, offset + end, marks.plain)
  }
  for (const match of text.matchAll(token)) {
    const [whole, comment, string, number, word, call] = match
    plainTo(match.index)
    let length = whole.length
    let mark = marks.keyword
    if (comment !== undefined) mark = marks.comment
    else if (string !== undefined) mark = marks.string
    else if (number !== undefined) mark = marks.number
    else if (word !== undefined) {
      length = word.length
      if (call !== undefined) mark = marks.function
      else mark = words[word] === undefined ? marks.plain : words[word] === 'number' ? marks.number : marks.keyword
    }
    builder.add(offset + match.index, offset + match.index + length, mark)
    plainFrom = match.index + length
  }
  plainTo(text.length)
}
