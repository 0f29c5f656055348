// Problems that random mappings have found, and a short run of new ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMapping } from '../../src/bloblang/index.ts'
import { processorMs } from '../../src/bloblang/processor-time.ts'
import { inertHost } from '../../src/bloblang/inert-host.ts'
import { makeCase } from './case.ts'
import { checkRun, checkText, checkUntouched } from './checks.ts'
import { readCorpus } from './corpus.ts'

const TEXTS = [
  ['a number that is printed with an exponent', 'root = 1000000000000000000000.0 + this.a'],
  ['a sign after a sign', 'root = --5'],
  ['a sign after a sign before a method', 'root = --1.bytes()[0::2]'],
  ['a lone surrogate', 'root = @"a\ud800b"'],
  ['a lone surrogate in a raw string', 'root = """a\ud800b"""'],
  ['a long path without an equals sign', `root = foo(foo(\nroot${'.z'.repeat(250)} = 1`],
  ['a match without cases', 'root = [match # nothing\n{}, 1]'],
  ['thousands of fields', `root = this${'.a'.repeat(20_000)}`],
] as const

for (const [what, text] of TEXTS) {
  test(`a mapping is parsed, printed and parsed again: ${what}`, () => {
    const takenMs = processorMs(() => assert.equal(checkText(text), null))
    assert.ok(takenMs < 5000)
  })
}

const LONG = [
  ['statements', (at: number) => `root.f${at} = this.a.b.uppercase() + "x${at}"`],
  ['if statements', (at: number) => `if this.a == ${at} {\n  root.x${at} = this.a\n}`],
  ['variables', (at: number) => `let f${at} = this.a${at}`],
  ['maps', (at: number) => `map m${at} {\n  root = this.a\n}`],
] as const

for (const [what, line] of LONG) {
  test(`twenty thousand ${what} compile quickly`, () => {
    const text = Array.from({ length: 20_000 }, (_, at) => line(at)).join('\n')
    const takenMs = processorMs(() => {
      assert.notEqual(compileMapping(`${text}\nroot.z = 1`, { host: inertHost }).mapping, undefined)
    })
    assert.ok(takenMs < 10_000)
  })
}

const RUNS = [
  ['a field without a name beside others', 'root.foo.a = this.n\nroot.""."x y" = this.bar', '{"bar":1}'],
] as const

for (const [what, text, document] of RUNS) {
  test(`a mapping runs: ${what}`, () => {
    assert.equal(checkRun(text, document), null)
  })
}

test('the invariants hold for random mappings', () => {
  const corpus = readCorpus()
  for (let number = 0; number < 600; number++) {
    const { kind, text, document } = makeCase(7, number, corpus)
    if (kind === 'growth') continue
    const problem =
      kind === 'untouched' ? checkUntouched(text, document) : (checkText(text) ?? checkRun(text, document))
    assert.equal(problem, null, `${JSON.stringify(text)} on ${document}`)
  }
})
