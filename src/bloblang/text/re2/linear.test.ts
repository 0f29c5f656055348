import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { processorMs } from '../../processor-time.ts'
import { compilePattern } from './linear.ts'
import type { MatchSpans } from './re2.ts'

const { RE2JS }: typeof import('re2js') = createRequire(import.meta.url)('re2js')

test('random patterns match what re2js matches, with the same groups', () => {
  let seed = 1
  const next = (count: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % count
  }
  const one = <T>(choices: readonly T[]): T => choices[next(choices.length)]!
  const pattern = (depth: number): string => {
    switch (depth === 0 ? next(4) : next(10)) {
      case 0:
      case 1:
        return one(['a', 'b', 'c', '-', 'é', '𝒳'])
      case 2:
        return one(['.', '\\w', '\\d', '[ab]', '[^a]', '[a-c𝒳]', '\\S'])
      case 3:
        return one(['^', '$', '\\b', '', 'x'])
      case 4:
      case 5:
        return pattern(depth - 1) + pattern(depth - 1)
      case 6:
        return `(?:${pattern(depth - 1)}|${pattern(depth - 1)})`
      case 7:
        return `(${pattern(depth - 1)})`
      default:
        return `(?:${pattern(depth - 1)})${one(['*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}?', '{2,}'])}`
    }
  }
  const flags = ['', '', '', '(?i)', '(?s)', '(?m)']
  let compared = 0
  for (let i = 0; i < 3000; i++) {
    const source = one(flags) + pattern(4)
    const own = compilePattern(source)
    if (own === undefined) continue
    const other = RE2JS.compile(source)
    for (let j = 0; j < 4; j++) {
      const text = Array.from({ length: next(9) }, () => one(['a', 'b', 'c', 'A', 'k', '-', '\n', 'é', '𝒳', 'x'])).join(
        '',
      )
      const from = j === 3 ? Math.min(1, text.length) : 0
      if (from === 1 && (text.codePointAt(0) ?? 0) > 0xffff) continue
      assert.deepEqual(own.match(text, from), spansOf(other, text, from), JSON.stringify({ source, text, from }))
      compared++
    }
  }
  assert.ok(compared > 5000, String(compared))
})

function spansOf(pattern: InstanceType<typeof RE2JS>, text: string, from: number): MatchSpans | undefined {
  const matcher = pattern.matcher(text)
  if (!matcher.find(from)) return undefined
  return Array.from({ length: pattern.groupCount() + 1 }, (_, group) => [
    matcher.start(group),
    matcher.end(group),
  ]).flat()
}

test('case-insensitive matching folds letters as RE2 does', () => {
  const folded = (source: string, text: string) => compilePattern(source)!.match(text, 0) !== undefined
  assert.equal(folded('(?i)^k$', '\u212a'), true)
  assert.equal(folded('(?i)^[r-t]+$', 'sS\u017fT'), true)
  assert.equal(folded('(?i)^q$', '\u017f'), false)
})

test('matching time grows linearly with the text for every pattern', () => {
  for (const source of [
    '(a+)+$',
    '(a|a)*b',
    '(x+x+)+y',
    '(?:a|ab)*c',
    '(.*)(.*)(.*)(.*)(.*)[^a]',
    '(?:(?:a?){20}){20}b',
  ]) {
    const pattern = compilePattern(source)!
    const time = (length: number) => {
      const text = 'a'.repeat(length)
      return Math.min(...[1, 2, 3].map(() => processorMs(() => pattern.match(text, 0))))
    }
    time(2000)
    assert.ok(time(20_000) < 100 * (time(2000) + 1), source)
  }
})
