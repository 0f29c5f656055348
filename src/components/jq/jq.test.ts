import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Message } from '../../engine/index.ts'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'

const jq = (query: string, more: object = {}) => JSON.stringify({ jq: { query, ...more } })
const document = '{"a":[1,2,{"b":3}],"s":"abc"}'

/** Checks the results of queries for a document; the original gave the same results. */
async function assertResults(cases: readonly (readonly [query: string, result: string])[]): Promise<void> {
  for (const [query, result] of cases) assert.deepEqual(await bodiesOf(jq(query), [document]), [result], query)
}

test('paths, slices and iteration', () =>
  assertResults([
    ['.a[-1].b', '3'],
    ['.["s"], ."s"', '["abc","abc"]'],
    ['.a[1:], .s[1:]', '[[2,{"b":3}],"bc"]'],
    ['[.. | scalars]', '[1,2,3,"abc"]'],
    ['[paths]', '[["a"],["a",0],["a",1],["a",2],["a",2,"b"],["s"]]'],
    ['[.a[]?, .s[]?]', '[1,2,{"b":3}]'],
  ]))

test('operators produce every combination, the right side varying slowest', () =>
  assertResults([
    ['[(1,2) + (10,20)]', '[11,12,21,22]'],
    ['[{a: (1,2), b: (3,4)}]', '[{"a":1,"b":3},{"a":1,"b":4},{"a":2,"b":3},{"a":2,"b":4}]'],
    ['[range(0,1; 3,4)]', '[0,1,2,0,1,2,3,1,2,1,2,3]'],
    ['"a,b" / ",", "ab" * 2, {"a":{"b":1}} * {"a":{"c":2}}', '[["a","b"],"abab",{"a":{"b":1,"c":2}}]'],
    ['[.a[] | numbers] - [1]', '[2]'],
    ['1 - 1 as $x | 2 // 3', '-1'],
    ['null // false // 7', '7'],
  ]))

test('integers have arbitrary precision', () =>
  assertResults([
    ['123456789012 * 123456789012', '15241578753153483936144'],
    ['9007199254740993 + 1', '9007199254740994'],
    ['10000000000000000000000 + 1', '10000000000000000000001'],
    ['1.0, 1.10, 1e17, -7 % 3, 7 / 2', '[1,1.1,100000000000000000,-1,3.5]'],
  ]))

test('assignments update the values at paths', () =>
  assertResults([
    ['.a[2].b += 5', '{"a":[1,2,{"b":8}],"s":"abc"}'],
    ['.a[] |= empty', '{"a":[],"s":"abc"}'],
    ['del(.a[0,1])', '{"a":[{"b":3}],"s":"abc"}'],
    ['(.a,.s) = 1', '{"a":1,"s":1}'],
    ['.z //= 9 | .z', '9'],
    ['[1,2,3] | .[1:] = [9]', '[1,9]'],
    ['to_entries | map(.key) | join("-")', '"a-s"'],
    ['{} | .__proto__ = {"x":1} | .__proto__.x, .x', '[1,null]'],
  ]))

test('variables, patterns, functions and control', () =>
  assertResults([
    ['[.a as [$x, $y, {b: $z}] | $x, $y, $z]', '[1,2,3]'],
    ['[.[] as [$x] ?// $x | $x]', '[1,"abc"]'],
    ['def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 5 | fac', '120'],
    ['def f($x; $y): $x + $y; [f(1,2; 10,20)]', '[11,21,12,22]'],
    ['def f(g): [g, g]; f(.s)', '["abc","abc"]'],
    ['reduce .a[:2][] as $x (0; . + $x)', '3'],
    ['[foreach range(3) as $x (0; . + $x; [$x, .])]', '[[0,0],[1,1],[2,3]]'],
    ['[label $out | 1, 2 | ., if . == 1 then break $out else empty end]', '[1]'],
    ['[limit(3; repeat(1))], first(range(10; 20)), [range(5)] | length', '[3,10,5]'],
    ['try error({"x":1}) catch .x', '1'],
    ['[.[] | try (if type == "string" then error("no") else 1 end) catch "caught \\(.)"]', '[1,"caught no"]'],
    ['0 | [recurse(if . < 20000 then . + 1 else empty end)] | length', '20001'],
  ]))

test('strings, regular expressions and formats', () =>
  assertResults([
    ['"x\\(.a)y"', '"x[1,2,{\\"b\\":3}]y"'],
    ['@base64 "v: \\(.s)", ("YWJj" | @base64d)', '["v: YWJj","abc"]'],
    ['[1,"a\\"b",null,true] | @csv, @sh', '["1,\\"a\\"\\"b\\",,true","1 \'a\\"b\' null true"]'],
    ['.s | sub("(?<x>b)"; "<\\(.x)>"), test("B"; "i")', '["a<b>c",true]'],
    ['"aXbX" | gsub("x"; "-"; "i"), [scan("[a-z]")]', '["a-b-",["a","b"]]'],
    ['1425599507 | todate, (gmtime | mktime), strftime("%A %j")', '["2015-03-05T23:51:47Z",1425599507,"Thursday 064"]'],
    ['"10:20 2020-01-02" | strptime("%H:%M %Y-%m-%d")', '[2020,0,2,10,20,0,4,1]'],
    ['"2015-03-05T23:51:47Z" | fromdate', '1425599507'],
  ]))

test('one result becomes the message, several an array, and no result drops the message', async () => {
  const outcomes = await processed(jq('.items[]?'), ['{"items":[1,"two"]}', '{"items":["x"]}', '{}'])
  assert.deepEqual(
    outcomes.map(({ text }) => text),
    ['[1,"two"]', '"x"'],
  )
})

test('raw input is a string, raw output has no quotes', async () => {
  assert.deepEqual(await bodiesOf(jq('length', { raw: true }), ['no json']), ['7'])
  assert.deepEqual(await bodiesOf(jq('.s, .a[0], "<"', { output_raw: true }), [document]), ['abc1<'])
})

test('metadata is in $metadata, and the environment is not accessible', async () => {
  const message = Message.fromText('{}', new Map([['key', 'value']]))
  assert.deepEqual(await bodiesOf(jq('[$metadata.key, $ENV, env]'), [message]), ['["value",{},{}]'])
})

test('a query that fails flags its message, in the words of the original', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['.s.x', 'expected an object but got: string ("abc")'],
    ['.a | map(. + 1)', 'cannot add: object ({"b":3}) and number (1)'],
    ['1 / 0', 'cannot divide number (1) by: number (0)'],
    ['error("x")', 'error: x'],
    ['.s.x // "other"', 'expected an object but got: string ("abc")'],
    ['path(1)', 'invalid path against: number (1)'],
    ['[1] | .[-5] = 1', 'setpath([-5]; 1) cannot be applied to [1]: array index should not be negative: -5'],
    ['halt', 'halt error: null'],
    ['tonumber', 'tonumber cannot be applied to: object ({"a":[1,2,{"b":3}],"s":"abc"})'],
  ]
  for (const [query, reason] of cases) assert.deepEqual(await errorsOf(jq(query), [document]), [reason], query)
})

test('malformed queries and undefined references are refused', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['.a |', /error parsing jq query: unexpected EOF/],
    ['.a ]', /unexpected token "]"/],
    ['"open', /unterminated string/],
    ['nothing_like_it(1)', /error compiling jq query: function not defined: nothing_like_it\/1/],
    ['$x', /variable not defined: \$x/],
    ['break $out', /label not defined/],
    ['input', /input\(s\)\/0 is not allowed/],
    ['('.repeat(5000), /nested too deeply/],
  ]
  for (const [query, reason] of cases) await assert.rejects(processed(jq(query), []), reason, query)
})

test('a hostile query fails its message with a reason', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['0 | until(false; . + 1)', /steps/],
    ['try last(range(1e12)) catch 1', /steps/],
    ['def f: [f]; f', /recurses too deeply/],
    ['def f: . + . | f; "xx" | f', /too long|recurses too deeply/],
    ['"(a+)+$" as $re | ("a" * 50000 + "!") | test($re) | error("in time: \\(.)")', /in time: false/],
  ]
  for (const [query, reason] of cases) assert.match((await errorsOf(jq(query), [document]))[0]!, reason, query)
})
