import { autocompletion } from '@codemirror/autocomplete'
import { indentWithTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { indentUnit } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { search } from '@codemirror/search'
import { Compartment, EditorState, type Extension, Prec, type Text } from '@codemirror/state'
import { EditorView, keymap, placeholder } from '@codemirror/view'
import { basicSetup } from 'codemirror'
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef } from 'react'
import type { Finding } from '../api/types.ts'
import { mappingHighlight } from './mapping-highlight.ts'
import { completeMapping } from './mapping-completion.ts'
import { completeFromSchema, hoverDocumentation, schemaField, setSchema } from './completion.ts'
import { lineSeparatorOf } from './line-breaks.ts'
import type { Schema } from './schema.ts'
import { editorTheme } from './theme.ts'

export interface EditorHandle {
  /** Moves the cursor to a position, counted from 1, and scrolls it into view. */
  jumpTo(line: number, column: number): void
  /** Replaces the whole text as if typed, so that it can be undone. */
  replace(text: string): void
  focus(): void
}

interface YamlEditorProps {
  readonly ref?: Ref<EditorHandle>
  /** The text at the start; it is read again only when `documentId` changes. */
  readonly initialText: string
  readonly documentId: string
  readonly onChange: (text: string) => void
  readonly onSave: () => void
  /** The findings for exactly this text. */
  readonly lint: { readonly text: string; readonly findings: readonly Finding[] } | undefined
  readonly schema: Schema | undefined
  readonly dark: boolean
}

/** An editor for configurations: coloured, completed and checked. The text leaves it exactly as typed. */
export function YamlEditor({ ref, initialText, documentId, onChange, onSave, lint, schema, dark }: YamlEditorProps) {
  const parent = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const theme = useRef(new Compartment())
  const handleSave = useEffectEvent(() => onSave())
  const handleChange = useEffectEvent((text: string) => onChange(text))
  // The text and the theme at the time the document is opened; later changes have their own effects.
  const firstState = useEffectEvent((save: () => void, change: (text: string) => void) =>
    EditorState.create({
      doc: initialText,
      extensions: [
        extensions(lineSeparatorOf(initialText), save),
        theme.current.of(editorTheme(dark)),
        EditorView.updateListener.of(update => {
          if (update.docChanged) change(update.state.sliceDoc())
        }),
      ],
    }),
  )

  // A new document is a new editor state, so that undo never restores another version's text.
  useEffect(() => {
    if (parent.current === null) return undefined
    const state = firstState(
      () => handleSave(),
      text => handleChange(text),
    )
    const made = new EditorView({ parent: parent.current, state })
    view.current = made
    if (state.doc.length === 0) made.focus()
    return () => {
      made.destroy()
      view.current = null
    }
  }, [documentId])

  useEffect(() => {
    view.current?.dispatch({ effects: theme.current.reconfigure(editorTheme(dark)) })
  }, [dark])

  useEffect(() => {
    if (schema !== undefined) view.current?.dispatch({ effects: setSchema.of(schema) })
  }, [schema, documentId])

  useEffect(() => {
    const editor = view.current
    // Findings for an older text would be misplaced; CodeMirror moves its own along with the text.
    if (editor === null || lint === undefined || lint.text !== editor.state.sliceDoc()) return
    const diagnostics = lint.findings.map(finding => toDiagnostic(editor.state.doc, finding))
    editor.dispatch(setDiagnostics(editor.state, diagnostics))
  }, [lint, documentId])

  useImperativeHandle(ref, () => ({
    jumpTo(line, column) {
      const editor = view.current
      if (editor === null) return
      const at = offsetOf(editor.state.doc, line, column)
      editor.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) })
      editor.focus()
    },
    replace(text) {
      const editor = view.current
      editor?.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: text },
        selection: { anchor: 0 },
        userEvent: 'input.paste',
      })
      editor?.focus()
    },
    focus() {
      view.current?.focus()
    },
  }))

  return <div ref={parent} className="h-full min-h-0 overflow-hidden" />
}

function extensions(lineSeparator: string | undefined, save: () => void): Extension {
  return [
    lineSeparator === undefined ? [] : EditorState.lineSeparator.of(lineSeparator),
    Prec.highest(
      keymap.of([
        {
          key: 'Mod-s',
          preventDefault: true,
          run: () => {
            save()
            return true
          },
        },
      ]),
    ),
    lintGutter(),
    basicSetup,
    keymap.of([indentWithTab]),
    yaml(),
    mappingHighlight(),
    indentUnit.of('  '),
    EditorState.tabSize.of(2),
    search({ top: true }),
    schemaField,
    autocompletion({ override: [completeMapping, completeFromSchema], icons: false }),
    hoverDocumentation(),
    placeholder('input:\n  …'),
    EditorView.contentAttributes.of({ 'aria-label': 'Configuration', spellcheck: 'false', tabindex: '0' }),
  ]
}

function toDiagnostic(doc: Text, finding: Finding): Diagnostic {
  const from = offsetOf(doc, finding.line, finding.column)
  const line = doc.lineAt(from)
  const known = finding.end === undefined ? undefined : offsetOf(doc, finding.end.line, finding.end.column)
  // Without an end, the word at the position is marked, or the rest of the line if there is no word.
  const word = /^[\w.-]+/.exec(line.text.slice(from - line.from))?.[0].length
  const to = known !== undefined && known > from ? known : word === undefined ? line.to : from + word
  return {
    from,
    to: Math.max(from, to),
    severity: finding.level,
    message: finding.hint === undefined ? finding.message : `${finding.message}\n${finding.hint}`,
  }
}

/** The offset of a position counted from 1, clamped to the text. */
function offsetOf(doc: Text, line: number, column: number): number {
  const found = doc.line(Math.min(Math.max(1, line), doc.lines))
  return Math.min(found.to, found.from + Math.max(0, column - 1))
}
