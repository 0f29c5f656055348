import { syntaxTree } from '@codemirror/language'
import { type Extension, RangeSetBuilder } from '@codemirror/state'
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'
import { type TokenKind, tokenize } from '../../../src/bloblang/syntax.ts'
import { mappingTexts } from './mapping-texts.ts'

/** The colour of each kind of token, from the tokens of the style sheet. */
const colors: Record<TokenKind, string> = {
  comment: '--code-comment',
  string: '--code-string',
  number: '--code-number',
  constant: '--code-number',
  keyword: '--code-keyword',
  root: '--code-keyword',
  function: '--code-function',
  method: '--code-function',
  variable: '--code-key',
  metadata: '--code-key',
  path: '--ink',
  operator: '--muted',
  bracket: '--muted',
}

const marks = Object.fromEntries(
  Object.keys(colors).map(kind => [kind, Decoration.mark({ class: `mapping-${kind}` })]),
) as Record<TokenKind, Decoration> // built with one entry for each kind

/** Highlights the mappings inside a YAML document. */
export function mappingHighlight(): Extension {
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
  // The marks are inside or around the span with which YAML colours the whole string, and must win in both cases.
  const look = Object.entries(colors).map(([kind, color]) => [
    `.mapping-${kind}, .mapping-${kind} *`,
    { color: `var(${color}) !important`, ...(kind === 'comment' ? { fontStyle: 'italic' } : {}) },
  ])
  // The styles contain only strings.
  return [plugin, EditorView.theme(Object.fromEntries(look) as Record<string, Record<string, string>>)]
}

function decorate(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>()
  let done = 0
  for (const visible of view.visibleRanges) {
    for (const { from, to } of mappingTexts(view.state, visible.from, visible.to)) {
      if (from < done) continue
      for (const token of tokenize(view.state.sliceDoc(from, to))) {
        builder.add(from + token.start, from + token.end, marks[token.kind])
      }
      done = to
    }
  }
  return builder.finish()
}
