import { yaml } from '@codemirror/lang-yaml'
import { MergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { mappingHighlight } from './mapping-highlight.ts'
import { editorTheme } from './theme.ts'

/** Two texts side by side, with what differs marked; neither can be changed here. */
export function DiffView({ left, right, dark }: { left: string; right: string; dark: boolean }) {
  const parent = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (parent.current === null) return undefined
    const extensions = [
      lineNumbers(),
      highlightSpecialChars(),
      yaml(),
      mappingHighlight(),
      editorTheme(dark),
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.lineWrapping,
    ]
    const view = new MergeView({
      parent: parent.current,
      a: { doc: left, extensions },
      b: { doc: right, extensions },
      gutter: true,
      highlightChanges: true,
      collapseUnchanged: { margin: 4, minSize: 8 },
    })
    return () => view.destroy()
  }, [left, right, dark])
  return (
    <div
      ref={parent}
      className="h-full min-h-0 overflow-y-auto [&_.cm-mergeView]:min-h-full [&_.cm-mergeView]:flex [&_.cm-mergeViewEditors]:flex-1 [&_.cm-mergeViewEditor+.cm-mergeViewEditor]:border-l [&_.cm-mergeViewEditor]:border-line"
    />
  )
}
