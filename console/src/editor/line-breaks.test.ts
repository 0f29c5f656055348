import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EditorState } from '@codemirror/state'
import { lineSeparatorOf } from './line-breaks.ts'

for (const [name, text] of [
  ['plain', 'a: 1\nb: 2\n'],
  ['without a last line break', 'a: 1'],
  ['of Windows', 'a: 1\r\nb: 2\r\n'],
  ['mixed', 'a: 1\r\nb: 2\nc: "\r"\n'],
  ['of old', 'a: 1\rb: 2'],
  ['with tabs, trailing blanks and comments', '# x \n\na:\t1  \n'],
] as const) {
  test(`a text with line breaks ${name} leaves the editor as it came`, () => {
    const separator = lineSeparatorOf(text)
    const extensions = separator === undefined ? [] : [EditorState.lineSeparator.of(separator)]
    const state = EditorState.create({ doc: text, extensions })
    assert.equal(state.sliceDoc(), text)
  })
}
