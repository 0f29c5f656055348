import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MappingError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import type { Value } from '../../value.ts'
import { processorMs } from '../../processor-time.ts'
import { parseYaml } from './parse.ts'

function failure(text: string): string {
  try {
    parseYaml(text)
  } catch (error) {
    if (error instanceof MappingError) return error.message.replace('failed to parse value as YAML: yaml: ', '')
    throw error
  }
  return 'none'
}

function depthOf(value: Value): number {
  let depth = 0
  for (let inner: Value | undefined = value; inner !== undefined && isArray(inner); depth++) inner = inner[0]
  return depth
}

test('keys of any type become strings, where the original returns a map that it cannot print', () => {
  assert.deepEqual(parseYaml('1: a\ntrue: b\n~: c\n0x10: d\n1.50: e\n2020-01-02: f\n__proto__: g'), {
    1: 'a',
    true: 'b',
    null: 'c',
    16: 'd',
    '1.5': 'e',
    '2020-01-02 00:00:00 +0000 UTC': 'f',
    ['__proto__']: 'g',
  })
})

test('collections of either kind nest up to 10,000 levels deep', () => {
  const flow = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
  assert.equal(depthOf(parseYaml(flow(10_000))), 10_000)
  assert.equal(depthOf(parseYaml(`${'- '.repeat(9999)}\n${' '.repeat(20_000)}${flow(10_000)}`)), 19_999)
  assert.equal(failure(flow(10_001)), 'exceeded max depth of 10000')
  assert.equal(failure('- '.repeat(10_001)), 'exceeded max depth of 10000')
  assert.equal(failure(`{a: ${'{<<: '.repeat(9000)}{b: 1}${'}'.repeat(9001)}`), 'none')
})

test('a document that aliases expand excessively is rejected', () => {
  const levels = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (const [at, name] of [...'bcdefghij'].entries()) {
    levels.push(`${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[at]}`).join()}]`)
  }
  assert.equal(failure(levels.slice(0, 3).join('\n')), 'none')
  assert.equal(failure(levels.join('\n')), 'document contains excessive aliasing')
})

test('parsing takes linear time for any text', () => {
  const many = 100_000
  const texts = [
    '['.repeat(many),
    '? '.repeat(many),
    '- !!int x\n'.repeat(many),
    'a: 1\n'.repeat(many),
    '- {a: 1, a: 2}\n'.repeat(many),
    `[${'😀, '.repeat(many)}]`,
    `"${'\\n'.repeat(many)}"`,
    `a: b${' '.repeat(many)}c\n`,
    `a: b\n${'  c\n\n'.repeat(many)}`,
    `a: >\n${'  c\n\n'.repeat(many)}`,
    `${`#${' '.repeat(600)}\n`.repeat(many / 100)}a`,
    `&a [${'*a, '.repeat(many)}]`,
    `${'{1: a, <<: '.repeat(2000)}{}${'}'.repeat(2000)}`,
    `${'%TAG !a! b\n'.repeat(many)}--- a`,
    `!${'%41'.repeat(many)} x`,
  ]
  for (const text of texts) assert.ok(processorMs(() => failure(text)) < 5000, text.slice(0, 20))
})
