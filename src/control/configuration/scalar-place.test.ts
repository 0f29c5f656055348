import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isScalar, LineCounter, parseDocument, visit } from 'yaml'
import { placeInScalar, type ScalarPlace } from './scalar-place.ts'

const styles: Readonly<Record<string, ScalarPlace['style']>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
}

const texts = {
  plain: 'a:\n  b: root = nope@here()\n',
  'a plain text over lines': 'a:\n  b: root = 1 +\n    two\n\n    + @here\n',
  'single quotes': "a: 'root = ''x''.@here'\n",
  'double quotes': 'a: "root.a = 1\\n\\troot.b = \\"x\\".\\u00e9\\U0001F389@here"\n',
  'double quotes over lines': 'a: "root = \\\n    1 +\n\n    @here"\n',
  'a literal block': 'a: |\n\n    root.a = 1\n      .b\n    root.b = @here\nc: 1\n',
  'a literal block with Windows line breaks': 'a: |\r\n    root.a = 1\r\n    root.b = @here\r\n',
  'a folded block': 'a: >-\n  root.a = 1\n\n  root.b\n  = 2\n\n    more\n  and @here\n',
  'an emoji before the place': 'a: root = "🎉" + @here\n',
}

for (const [name, yaml] of Object.entries(texts)) {
  test(`a place in ${name} is found in the file`, () => {
    const lines = new LineCounter()
    const found = visitScalar(yaml, lines)
    const offset = found.value.indexOf('@here')
    const at = yaml.indexOf('@here')
    const { line, col } = lines.linePos(at)
    assert.deepEqual(placeInScalar(yaml, found, offset), { line, column: col })
  })
}

test('the end of a block is at the end of its last line, not on the next line', () => {
  const yaml = 'a: |\n  root =\nb: 1\n'
  assert.deepEqual(placeInScalar(yaml, { line: 1, column: 4, style: 'literal' }, 'root =\n'.length), {
    line: 2,
    column: 9,
  })
})

/** The scalar that contains the mark, as the YAML library reads it. */
function visitScalar(yaml: string, lines: LineCounter): ScalarPlace & { readonly value: string } {
  let found: (ScalarPlace & { readonly value: string }) | undefined
  visit(parseDocument(yaml, { lineCounter: lines }), (_key, node) => {
    if (!isScalar(node) || typeof node.value !== 'string' || !node.value.includes('@here')) return
    const { line, col } = lines.linePos(node.range![0])
    found = { line, column: col, style: styles[node.type ?? 'PLAIN']!, value: node.value }
  })
  assert.ok(found !== undefined)
  return found
}
