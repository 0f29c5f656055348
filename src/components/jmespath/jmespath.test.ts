import { messageOf } from '../../base/index.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'

const query = (text: string) => JSON.stringify({ jmespath: { query: text } })
const document = '{"a":[1,2.50,"x"],"b":{"c":1e21},"l":[{"v":1,"n":"p"},{"v":3,"n":"q"}]}'

test('queries select, project, filter and call functions', async () => {
  const cases: readonly (readonly [string, string])[] = [
    ['a[::-1]', '["x",2.5,1]'],
    ['a[-1]', '"x"'],
    ['b.missing', 'null'],
    ['*.c | [0]', '1e+21'],
    ['l[?v > `1`].n', '["q"]'],
    ['{x: a[0], y: sort(keys(@))}', '{"x":1,"y":["a","b","l"]}'],
    ['max_by(l, &v).n', '"q"'],
    ['sort_by(l, &n)[*].v | sum(@)', '4'],
    ['!a && b || `"no"`', '"no"'],
    ["join('-', map(&n, l))", '"p-q"'],
    ['to_string(b)', '"{\\"c\\":1e+21}"'],
    ['constructor', 'null'],
    ['__proto__', 'null'],
  ]
  for (const [text, expected] of cases) assert.deepEqual(await bodiesOf(query(text), [document]), [expected], text)
})

test('a query that fails flags its message, which is unchanged', async () => {
  assert.deepEqual(await errorsOf(query('abs(a)'), [document]), [
    'Invalid type for: [1 2.5 x], expected: []jmespath.jpType{"number"}',
  ])
  assert.deepEqual(await errorsOf(query('nothing_like_it(@)'), [document]), ['unknown function: nothing_like_it'])
  assert.match((await errorsOf(query('a'), ['no json']))[0]!, /invalid character/)
})

test('a malformed query is refused with the reason', async () => {
  const reasons: readonly (readonly [string, RegExp])[] = [
    ['a.b |', /SyntaxError: Incomplete expression/],
    ['a ]', /Unexpected token at the end of the expression: tRbracket/],
    ["'open", /Unclosed delimiter: '/],
    ['a # b', /Unknown char: '#'/],
    ['('.repeat(5000), /nested too deeply/],
  ]
  for (const [text, reason] of reasons) {
    await assert.rejects(processed(query(text), []), error => {
      assert.match(messageOf(error), /failed to compile JMESPath query/)
      assert.match(messageOf(error), reason)
      return true
    })
  }
})
