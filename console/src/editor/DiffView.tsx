import { yaml } from '@codemirror/lang-yaml'
import { MergeView, unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { mappingHighlight } from './mapping-highlight.ts'
import { editorTheme } from './theme.ts'

const collapseUnchanged = { margin: 4, minSize: 8 }
const wide = matchMedia('(min-width: 48rem)')

/** The differences between two read-only texts: side by side, or stacked in a narrow window. */
export function DiffView({ left, right, dark }: { left: string; right: string; dark: boolean }) {
  const parent = useRef<HTMLDivElement>(null)
  const isWide = useSyncExternalStore(subscribeWidth, () => wide.matches)
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
      EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': 'Differences' }),
      EditorView.lineWrapping,
    ]
    const view = isWide
      ? new MergeView({
          parent: parent.current,
          a: { doc: left, extensions },
          b: { doc: right, extensions },
          gutter: true,
          highlightChanges: true,
          collapseUnchanged,
        })
      : new EditorView({
          parent: parent.current,
          doc: right,
          extensions: [...extensions, unifiedMergeView({ original: left, mergeControls: false, collapseUnchanged })],
        })
    return () => view.destroy()
  }, [left, right, dark, isWide])
  return (
    <div
      ref={parent}
      className="h-full min-h-0 overflow-y-auto [&_.cm-mergeView]:min-h-full [&_.cm-mergeView]:flex [&_.cm-mergeViewEditors]:flex-1 [&_.cm-mergeViewEditor+.cm-mergeViewEditor]:border-l [&_.cm-mergeViewEditor]:border-line"
    />
  )
}

function subscribeWidth(listener: () => void): () => void {
  wide.addEventListener('change', listener)
  return () => wide.removeEventListener('change', listener)
}
