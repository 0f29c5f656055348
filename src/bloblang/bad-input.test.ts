import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyView, compileMapping, MappingError, printJson } from './index.ts'
import { processorMs } from './processor-time.ts'
import { inertHost } from './inert-host.ts'

const document = Buffer.from('{"a":"x","n":1000000000,"lone":"\\ud800","nul":"\\u0000"}')

/** The result of a mapping, or the text of its error or first diagnostic. */
function outcome(text: string): string {
  const { mapping, diagnostics } = compileMapping(text, { host: inertHost })
  if (mapping === undefined) return diagnostics[0]!.message
  try {
    return printJson(mapping.run([new BodyView().set(document)], 0))
  } catch (error) {
    if (error instanceof MappingError) return error.message
    throw error
  }
}

const HUGE: readonly (readonly [mapping: string, outcome: RegExp])[] = [
  ['root = "x".repeat(1000000000)', /more than the limit/],
  ['root = this.a.repeat(this.n)', /more than the limit/],
  ['root = this.a.repeat(1000).repeat(1000).repeat(1000).repeat(1000)', /more than the limit/],
  ['root = this.a.repeat(30000).replace_all("", this.a.repeat(30000))', /more than the limit/],
  ['root = this.a.repeat(50000).re_replace_all("x", this.a.repeat(50000))', /too large/],
  ['root = range(0, 30000).map_each(x -> this.a).join("x".repeat(60000))', /too large/],
  ['root = range(0, 1000).fold("x", item -> item.tally + item.tally)', /too large/],
  [`root = this.a.repeat(1000000)${'.encode("hex")'.repeat(10)}`, /too large/],
  ['root = range(0, this.n * 1000)', /too large/],
  ['root = range(0, 1000000000000)', /too large/],
  ['root = "%1000000000d".format(1).length() < 100', /true/],
  ['root = this.a.repeat(3000).re_match("(x+x+)+y")', /false/],
  ['root = this.a.re_match("((a{1000}){1000}){1000}")', /invalid repeat count/],
  ['root = "9".repeat(10000000).int64().catch("refused")', /refused/],
  ['root = ("1" + "0".repeat(5000000)).parse_json().int64().catch("refused")', /refused/],
  ['root = ("[".repeat(100000)).parse_json().catch("refused")', /refused/],
  ['root = ("[".repeat(100000)).parse_yaml().catch("refused")', /refused/],
  ['root = ("<a>".repeat(100000)).parse_xml().catch("refused")', /refused/],
  ['root = ("91".repeat(100000)).decode("hex").parse_msgpack().catch("refused")', /refused/],
  ['root = "ddffffffff".decode("hex").parse_msgpack().catch("refused")', /refused/],
  ['root = this.a.compare_bcrypt("$2a$31$" + "a".repeat(53)).catch("refused")', /refused/],
  ['root = {}.set("a.".repeat(20000), 1).catch("refused")', /refused/],
]

for (const [mapping, expected] of HUGE) {
  test(`an excessive result is rejected quickly or stays small: ${mapping}`, () => {
    const takenMs = processorMs(() => assert.match(outcome(mapping), expected))
    assert.ok(takenMs < 20_000)
  })
}

test('division by zero is a mapping error, or a diagnostic if the zero is a literal', () => {
  assert.equal(outcome('root = 1 / 0'), 'number literal: attempted to divide by zero')
  assert.match(outcome('root = this.n / (this.n - this.n)'), /attempted to divide by zero/)
  assert.match(outcome('root = this.n % 0'), /attempted to divide by zero/)
})

test('lone surrogates become replacement characters, and a NUL is kept', () => {
  assert.equal(outcome('root.v = this.lone + this.nul'), '{"v":"\ufffd\\u0000"}')
  assert.equal(outcome('root.v = "a\u0000b".length()'), '{"v":3}')
})
