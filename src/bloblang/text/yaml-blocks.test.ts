import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseYaml } from './parse-yaml.ts'
import { readYamlBlocks } from './yaml-blocks.ts'

const PLAIN = [
  'a: 1\nb:\n  - x y\n  - "q: x"\n\n  - c: 1.5\n    d: 2020-01-02\n  -\n    - null\nlast:\n- \'s\'\n- []\n',
  '---\nname: amber\nnested:\n    deep:\n        on: {}\n    url: http://x:80/y?z=1#f\nempty:',
  '- a:\n  - 1\n  b: 0x1f\n-\n- +1_000\n- a#b\n',
  '__proto__: 1\nconstructor: y\n',
]

const OTHERS = [
  'a: b\n  c',
  'a: 1\n b: 2',
  'a: 1\na: 2',
  'a: b: c',
  'a: b #c',
  'a:\n  b: 1\n c: 2',
  '- a\nb: c',
  'a: &x 1\nb: *x',
  'a: |\n  b',
  'true: 1',
  '<<: {a: 1}',
  'a:\tb',
  '# c\na: 1',
  'a: "x\\n"',
  "a: 'it''s'",
  '- - a',
  '? a',
  'a: 1\n---\nb: 2',
  'plain',
  '"a": 1',
]

test('documents of plain blocks read the same with and without the library', () => {
  for (const text of PLAIN) {
    const value = readYamlBlocks(text)
    assert.notEqual(value, undefined, text)
    // A comment is left to the library.
    assert.deepEqual(value, parseYaml(`# whole\n${text}`), text)
  }
})

test('what is more than plain blocks is left to the library', () => {
  for (const text of OTHERS) assert.equal(readYamlBlocks(text), undefined, text)
})
