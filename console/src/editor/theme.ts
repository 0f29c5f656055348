import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import type { Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

const look = {
  '&': { height: '100%', fontSize: '0.8125rem', backgroundColor: 'var(--surface)', color: 'var(--ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--font-mono)',
    fontFeatureSettings: 'normal',
    fontVariantLigatures: 'none',
    lineHeight: '1.35rem',
    overscrollBehavior: 'contain',
  },
  '.cm-content': { padding: '0.5rem 0', caretColor: 'var(--accent)' },
  '.cm-line': { padding: '0 1rem 0 0.5rem' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--faint)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '2.5rem', paddingRight: '0.625rem' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--hover) 55%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 22%, transparent)',
  },
  '.cm-selectionMatch': { backgroundColor: 'color-mix(in srgb, var(--accent) 14%, transparent)' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 18%, transparent)',
    color: 'inherit',
  },
  '.cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket': {
    backgroundColor: 'var(--bad-soft)',
    color: 'var(--bad)',
  },
  '.cm-foldGutter .cm-gutterElement': { color: 'var(--faint)', cursor: 'pointer' },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--hover)',
    border: '1px solid var(--line)',
    color: 'var(--muted)',
    padding: '0 0.375rem',
  },
  '.cm-lint-marker': { width: '0.75rem', height: '0.75rem' },
  '.cm-gutter-lint': { width: '1.125rem' },
  '.cm-lint-marker-error': {
    content: '""',
    margin: '0.3rem 0.15rem 0 0.3rem',
    width: '0.5rem',
    height: '0.5rem',
    borderRadius: '9999px',
    backgroundColor: 'var(--bad)',
  },
  '.cm-lint-marker-warning': {
    content: '""',
    margin: '0.3rem 0.15rem 0 0.3rem',
    width: '0.5rem',
    height: '0.5rem',
    borderRadius: '9999px',
    backgroundColor: 'var(--warn)',
  },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--bad) 1px',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-warning': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--warn) 1px',
    textUnderlineOffset: '3px',
  },
  '.cm-lintPoint:after': { borderBottomColor: 'var(--bad)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--raised)',
    color: 'var(--ink)',
    border: '1px solid var(--line)',
    borderRadius: '0.5rem',
    boxShadow: 'var(--shadow-2)',
    fontSize: '0.8125rem',
  },
  '.cm-tooltip.cm-tooltip-lint': { padding: '0.25rem 0', overflow: 'hidden' },
  '.cm-diagnostic': { border: 'none', padding: '0.25rem 0.75rem', fontFamily: 'var(--font-sans)', maxWidth: '34rem' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--bad)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--warn)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--font-mono)',
    fontSize: '0.75rem',
    maxHeight: '19rem',
    padding: '0.25rem',
    minWidth: '15rem',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': {
    padding: '0.2rem 0.5rem',
    borderRadius: '0.25rem',
    color: 'var(--ink)',
    lineHeight: '1.15rem',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    backgroundColor: 'var(--pressed)',
    color: 'var(--ink)',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--accent-text)', fontWeight: '600' },
  '.cm-completionDetail': { color: 'var(--faint)', fontStyle: 'normal', marginLeft: '0.75rem' },
  '.cm-completionIcon': { color: 'var(--faint)', width: '1rem', paddingRight: '0.5rem' },
  '.cm-tooltip.cm-completionInfo': {
    padding: '0.5rem 0.75rem',
    fontFamily: 'var(--font-sans)',
    maxWidth: '22rem',
    lineHeight: '1.2rem',
  },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--ink)', borderBottom: '1px solid var(--line)' },
  '.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-search': {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '0.25rem',
    padding: '0.375rem 0.75rem',
  },
  '.cm-search label': { fontSize: '0.75rem', color: 'var(--muted)' },
  '.cm-search br': { flexBasis: '100%' },
  '.cm-textfield': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '0.375rem',
    padding: '0.125rem 0.5rem',
    fontSize: '0.75rem',
  },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '0.375rem',
    padding: '0.125rem 0.5rem',
    fontSize: '0.75rem',
    cursor: 'pointer',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--warn-soft)', outline: '1px solid var(--warn-line)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--accent-soft)', outline: '1px solid var(--accent)' },
  '.cm-placeholder': { color: 'var(--faint)' },
  '.cm-changedLine': { backgroundColor: 'color-mix(in srgb, var(--ok-soft) 75%, transparent) !important' },
  '.cm-merge-a .cm-changedLine, .cm-deletedChunk': {
    backgroundColor: 'color-mix(in srgb, var(--bad-soft) 75%, transparent) !important',
  },
  '.cm-changedText': {
    background: 'color-mix(in srgb, var(--ok) 10%, transparent) !important',
    boxShadow: 'inset 0 -2px 0 var(--ok)',
  },
  '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in srgb, var(--bad) 10%, transparent) !important',
    boxShadow: 'inset 0 -2px 0 var(--bad)',
  },
  '&.cm-merge-a .cm-changedLine': {
    backgroundColor: 'color-mix(in srgb, var(--bad-soft) 75%, transparent) !important',
  },
  '.cm-changeGutter': { width: '3px' },
  '.cm-changedLineGutter': { background: 'var(--ok) !important' },
  '&.cm-merge-a .cm-changedLineGutter': { background: 'var(--bad) !important' },
  '.cm-collapsedLines': {
    background: 'var(--sunken) !important',
    color: 'var(--faint)',
    fontFamily: 'var(--font-sans)',
    fontSize: '0.75rem',
    padding: '0.25rem 0.75rem',
  },
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"…"', margin: '0 0.5rem' },
}

const highlight = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--code-key)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: [tags.keyword, tags.meta, tags.labelName, tags.typeName], color: 'var(--code-keyword)' },
  { tag: tags.comment, color: 'var(--code-comment)', fontStyle: 'italic' },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: 'var(--faint)' },
  { tag: tags.invalid, color: 'var(--bad)' },
])

/** The editor's theme, built on the tokens of the style sheet; `dark` only selects CodeMirror's own fallbacks. */
export function editorTheme(dark: boolean): Extension {
  return [EditorView.theme(look, { dark }), syntaxHighlighting(highlight)]
}
