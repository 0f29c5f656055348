// How configurations are printed: the quotes and the layout of the original.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeOf, parseYaml } from './node.ts'
import { printYaml } from './print.ts'

test('texts keep the quotes that they were written with', () => {
  const text = `a: 'single'
b: "double"
c: plain # with a remark
d: a#b
y: "yes"
e: "two\\nlines"
f: a:b
`
  assert.equal(printYaml(parseYaml(text)), text.replace(' # with a remark', ''))
})

test('texts that end or begin something in a flow collection are quoted there', () => {
  assert.equal(printYaml(parseYaml('a: {url: http://x, b: c d}')), "a: {url: 'http://x', b: c d}\n")
})

test('texts that nobody wrote are quoted where they would be read as something else', () => {
  const values = { a: '200', b: 'on', c: '@x', d: 'a: b', e: 'tab\t', f: '', g: '${! content() }', h: 'a\nb' }
  assert.equal(
    printYaml(nodeOf(values)),
    `a: "200"
b: "on"
c: '@x'
d: 'a: b'
e: "tab\\t"
f: ""
g: \${! content() }
h: |-
  a
  b
`,
  )
})
