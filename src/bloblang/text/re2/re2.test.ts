import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MappingError } from '../../errors.ts'
import { compileRe2, groupText } from './re2.ts'
import { translate } from './translate.ts'

function submatches(pattern: string, text: string): string[][] {
  const expression = compileRe2(pattern)
  return expression
    .matchAll(text)
    .map(spans => expression.groupNames.map((_name, group) => groupText(text, spans, group)))
}

test('an empty match directly after another match is ignored', () => {
  assert.deepEqual(submatches('a*', 'baaac'), [[''], ['aaa'], ['']])
})

test('a group keeps its match from an earlier iteration of a loop', () => {
  assert.deepEqual(submatches('(?:a|(b))*', 'ba'), [['ba', 'b']])
})

test('a template reads the longest name after a dollar sign', () => {
  assert.equal(compileRe2('(a)(b)').replaceAll('ab', '$1x-${1}x-$2$$'), '-ax-b$')
})

test('bytes that are not UTF-8 match as one character each and come out unchanged', () => {
  assert.equal(compileRe2('^(.)(b)$').replaceAll('\udcffb', '$2$1'), 'b\udcff')
})

test("errors have the original's messages", () => {
  assert.throws(() => compileRe2('[a'), new MappingError('error parsing regexp: missing closing ]: `[a`'))
  assert.throws(
    () => compileRe2('a\\'),
    new MappingError('error parsing regexp: trailing backslash at end of expression: ``'),
  )
})

test('patterns with exponential backtracking run on the linear engine', () => {
  for (const pattern of ['(a+)+$', '(a|a)*b', '(x+x+)+y', '(a*)*b', '(?:a|ab)*c'])
    assert.equal(translate(pattern), undefined)
  assert.notEqual(translate('^[a-z]+-(\\d+)$'), undefined)
})

// Exponential time would exceed the limit by many orders of magnitude.
test('no pattern takes more than linear time', { timeout: 60_000 }, () => {
  assert.equal(compileRe2('(a+)+$').test(`${'a'.repeat(20_000)}b`), false)
  assert.equal(compileRe2('.*a.*b.*c').test('a'.repeat(5000)), false)
  assert.equal(compileRe2('\\d+x').test('1'.repeat(50_000)), false)
})
