import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompletionContext } from '@codemirror/autocomplete'
import { yaml } from '@codemirror/lang-yaml'
import { ensureSyntaxTree } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { completeMapping } from './mapping-completion.ts'
import { mappingTexts } from './mapping-texts.ts'

function open(doc: string): EditorState {
  const state = EditorState.create({ doc, extensions: [yaml()] })
  // A new state parses for only a few milliseconds, which on a busy machine may end before the end of the text. The
  // tree completed here becomes part of the state with its next transaction.
  assert.ok(ensureSyntaxTree(state, doc.length, Number.POSITIVE_INFINITY))
  return state.update({}).state
}

function found(doc: string): string[] {
  const state = open(doc)
  return mappingTexts(state, 0, doc.length).map(({ from, to }) => state.sliceDoc(from, to).trim())
}

/** The completions proposed at the `|` of a text, explicitly requested. */
function proposals(text: string): readonly string[] {
  const at = text.indexOf('¦')
  const state = open(text.replace('¦', ''))
  return completeMapping(new CompletionContext(state, at, true))?.options.map(option => option.label) ?? []
}

test('finds mappings in blocks, in quotes and inline', () => {
  assert.deepEqual(found('a:\n  mapping: |\n    root = this\n    root.b = 1\n'), ['root = this\n    root.b = 1'])
  assert.deepEqual(found('- mapping: root = this\n- check: "this.a == 1"\n'), ['root = this', 'this.a == 1'])
})

test('interpolations are found in other strings', () => {
  assert.deepEqual(found('topic: a-${! json("id") }-${! meta("k") }\nkey: plain\n'), ['json("id")', 'meta("k")'])
})

test('suggests functions at the start of an expression and methods after a dot', () => {
  assert.ok(proposals('mapping: |\n  root = uu¦\n').includes('uuid_v4'))
  assert.ok(proposals('mapping: root = this.name.upp¦\n').includes('uppercase'))
  assert.ok(!proposals('mapping: root = this.name.upp¦\n').includes('uuid_v4'))
  assert.ok(proposals('topic: x-${! js¦ }\n').includes('json'))
})

test('suggests nothing in comments, in strings or outside mappings', () => {
  assert.deepEqual(proposals('mapping: |\n  # uu¦\n  root = 1\n'), [])
  assert.deepEqual(proposals('mapping: |\n  root = "uu¦\n'), [])
  assert.deepEqual(proposals('topic: uu¦\n'), [])
})
