import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-grok-'))
after(() => rmSync(folder, { recursive: true }))

const grok = (expressions: readonly string[], more: object = {}) => JSON.stringify({ grok: { expressions, ...more } })
const accessLine =
  '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326 "http://x.y/z" "Mozilla/4.08 [en]"'

test('the default patterns parse an access log', async () => {
  assert.deepEqual(await bodiesOf(grok(['%{COMBINEDAPACHELOG}']), [accessLine]), [
    '{"agent":"\\"Mozilla/4.08 [en]\\"","auth":"frank","bytes":"2326","clientip":"127.0.0.1","httpversion":"1.0","ident":"-","referrer":"\\"http://x.y/z\\"","request":"/a.gif","response":"200","timestamp":"10/Oct/2000:13:55:36 -0700","verb":"GET"}',
  ])
})

test('IPv6 addresses match in all their forms, and no further', async () => {
  const addresses = [
    '1:2:3:4:5:6:7:8',
    '::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '1:2:3:4:5:6:10.0.0.1',
    '1::',
    '1:2::3:4',
  ]
  const expected = addresses.map(address => JSON.stringify({ ip: address }))
  assert.deepEqual(await bodiesOf(grok(['^%{IPV6:ip}$']), addresses), expected)
  assert.deepEqual(await errorsOf(grok(['^%{IPV6:ip}$']), ['1:2', '::10.0.0.256']), [
    'no pattern matches found',
    'no pattern matches found',
  ])
})

test('fields are typed and nested, and the last capture of a name wins', async () => {
  assert.deepEqual(await bodiesOf(grok(['%{WORD:a.b} %{INT:a.c:int} %{NUMBER:d:float}']), ['x +07 1.50']), [
    '{"a":{"b":"x","c":7},"d":1.5}',
  ])
  assert.deepEqual(await bodiesOf(grok(['%{WORD:x} %{WORD:x}']), ['one two']), ['{"x":"two"}'])
})

test('an expression whose types do not fit falls through to the next', async () => {
  const config = grok(['%{NOTSPACE:n:int}', '%{NOTSPACE:text}'])
  assert.deepEqual(await bodiesOf(config, ['12', '1.5', '99999999999999999999']), [
    '{"n":12}',
    '{"text":"1.5"}',
    '{"text":"99999999999999999999"}',
  ])
})

test('options keep empty captures and unnamed references', async () => {
  const config = grok(['a%{DATA:b}$'], { remove_empty_values: false, named_captures_only: false })
  assert.deepEqual(await bodiesOf(config, ['a']), ['{"b":""}'])
  assert.deepEqual(await bodiesOf(grok(['%{INT}'], { named_captures_only: false }), ['7']), ['{"INT":"7"}'])
  assert.deepEqual(await errorsOf(grok(['%{INT}']), ['7']), ['no pattern matches found'])
})

test('patterns come from definitions and from files, folders and globs', async () => {
  writeFileSync(join(folder, 'one'), '# a comment\n\nONE [0-9]+%{TWO:two}\n')
  writeFileSync(join(folder, 'two'), 'TWO [a-z]+\n')
  for (const path of [folder, join(folder, '*')]) {
    assert.deepEqual(await bodiesOf(grok(['%{ONE:one}'], { pattern_paths: [path] }), ['1a']), [
      '{"one":"1a","two":"a"}',
    ])
  }
  await assert.rejects(processed(grok(['x'], { pattern_paths: [join(folder, 'none')] }), []), /no such file/)
})

test('undefined and circular references are refused', async () => {
  await assert.rejects(processed(grok(['%{NOPE}']), []), /no pattern found for %\{NOPE\}/)
  const circle = { pattern_definitions: { A: '%{B}', B: '%{A}' } }
  await assert.rejects(processed(grok(['%{A}'], circle), []), /refers to itself/)
  const bomb = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`P${i}`, `%{P${i + 1}}%{P${i + 1}}`]))
  await assert.rejects(processed(grok(['%{P0}'], { pattern_definitions: { ...bomb, P30: 'aa' } }), []), /longer than/)
})

test('a pattern prone to backtracking takes linear time', async () => {
  assert.deepEqual(await errorsOf(grok(['(?P<x>(a+)+)$']), [`${'a'.repeat(20_000)}!`]), ['no pattern matches found'])
})
