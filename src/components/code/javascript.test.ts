import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { Message } from '../../engine/index.ts'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'
import { portOf } from '../../../test/servers/ports.ts'

const script = (code: string, more: object = {}) => JSON.stringify({ javascript: { code, ...more } })
const quick = { time_limit: '200ms', memory_limit_mib: 32 }

const folder = mkdtempSync(join(tmpdir(), 'penstock-javascript-'))
const server = createServer((request, response) => {
  if (request.url === '/endless') {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 20, 'x')));
    }
    response.on('drain', more)
    more()
    return
  }
  let body = ''
  request.on('data', (chunk: Uint8Array) => (body += Buffer.from(chunk).toString()))
  request.on('end', () => {
    response.writeHead(request.url === '/missing' ? 404 : 200)
    response.end(`${request.method} ${String(request.headers['x-kind'])} ${body.toUpperCase()}`)
  })
})
let url = ''
before(
  () =>
    new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', () => {
        url = `http://127.0.0.1:${portOf(server)}` // the address of a TCP server is never a string
        resolve()
      })
    }),
)
after(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true })
})

test('a script reads and replaces texts', async () => {
  assert.deepEqual(
    await bodiesOf(script('bento.v0_msg_set_string(bento.v0_msg_as_string() + " é!")'), ['a', '', 'é\0x', '𝒳']),
    ['a é!', ' é!', 'é\0x é!', '𝒳 é!'],
  )
  assert.deepEqual(await bodiesOf(script('1 + 1'), ['untouched']), ['untouched'])
  assert.deepEqual(await bodiesOf(script('bento.v0_msg_set_string("undefined")'), ['x']), ['undefined'])
})

test('a script reads and replaces documents', async () => {
  const code =
    'const d = bento.v0_msg_as_structured(); d.n = Object.keys(d).length; delete d.b; bento.v0_msg_set_structured(d)'
  assert.deepEqual(await bodiesOf(script(code), ['{"b":"x","a":"<1>"}']), ['{"a":"<1>","n":2}'])
  const read = 'bento.v0_msg_set_structured([1]); bento.v0_msg_set_string(String(bento.v0_msg_as_structured()[0] + 1))'
  assert.deepEqual(await bodiesOf(script(read), ['x']), ['2'])
  assert.deepEqual(await bodiesOf(script('bento.v0_msg_set_structured("text")'), ['x']), ['"text"'])
  assert.deepEqual(await bodiesOf(script('bento.v0_msg_set_string(bento.v0_msg_as_structured().a)'), ['{"a":"b"}']), [
    'b',
  ])
})

test('documents are read and printed like JSON.parse and JSON.stringify do', async () => {
  const text = fc.string({
    unit: fc.constantFrom('a', '1', '"', '\\', '\n', '\0', '\x7f', 'é', '\u2028', '𝒳', '__proto__'),
  })
  const { tree } = fc.letrec(tie => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.double({ noDefaultInfinity: true, noNaN: true }),
      fc.integer({ min: -9_999_999, max: 9_999_999 }).map(units => units / 10 ** (Math.abs(units) % 8)),
      fc.boolean(),
      fc.constant(null),
      text,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(text, tie('tree'), { maxKeys: 4 }),
    ),
  }))
  const unusual = [
    '{"a":1,"b":{"a":2},"a":[1.50,-0,1e3,1E-7,12345678901234567890,0.1e+2]}',
    String.raw` { "é\u00e9\ud83d" : "\ud83d\ude00\/\b\f\n\r\t\"\\" , "10":1 , "9":2, "x" : [ ] } `,
    `${'['.repeat(150)}${']'.repeat(150)}`,
    '"text"',
    '-12.5',
  ]
  const values = fc.sample(fc.array(tree, { minLength: 1, maxLength: 5 }), 200)
  const bodies = [...values.map(value => JSON.stringify(value)), ...unusual]
  const same = `
    const read = bento.v0_msg_as_structured(), parsed = JSON.parse(bento.v0_msg_as_string())
    if (JSON.stringify(read) !== JSON.stringify(parsed)) throw 'read ' + JSON.stringify(read)
    bento.v0_msg_set_structured(parsed)
    if (bento.v0_msg_as_string() !== JSON.stringify(parsed)) throw 'printed ' + bento.v0_msg_as_string()`
  const outcomes = await processed(script(same), bodies)
  assert.deepEqual([...new Set(outcomes.map(({ error }) => error))], [null])
  const made = String.raw`
    class Point { x = 1; get y() { return 2 } }
    const sparse = [1, , 3]; sparse.length = 5
    const grown = { b: 1, 5: 2, a: undefined, [Symbol('s')]: 3, f() {} }; delete grown.b; grown.b = 4; grown[4] = 5
    const dated = Object.assign([1], { toJSON: () => 'list' })
    let long = ''; for (let i = 0; i < 5000; i++) long += 'é' + i
    const list = [new Point(), sparse, grown, dated, long, new Date(0), { toJSON: () => 7 }, { get a() { return 1 } },
      Object.create({ inherited: 1 }), Object.assign(Object.create(null), { own: 1 }), Object('x'), Object(1), NaN, -0, Infinity,
      1e21, 1e-7, 123456789012345680000, 0.1 + 0.2, -0.5, new Proxy({ a: 1 }, {}), new Map([[1, 2]]), new Uint8Array(2), undefined, () => 1]
    for (const value of [list, ...list]) {
      const expected = JSON.stringify(value)
      if (expected === undefined) continue
      bento.v0_msg_set_structured(value)
      if (bento.v0_msg_as_string() !== expected) throw expected + ' is printed as ' + bento.v0_msg_as_string()
    }
    bento.v0_msg_set_structured({ kept: true })
    for (const value of [() => 1, 1n, [list, { get a() { throw 1 } }]]) try { bento.v0_msg_set_structured(value) } catch {}
    Array.prototype.toJSON = () => 'all lists'
    if (JSON.stringify([{ a: [] }]) !== '"all lists"') throw 'no toJSON'
    const { kept } = bento.v0_msg_as_structured()
    bento.v0_msg_set_structured({ kept, list: [] })`
  const [outcome] = await processed(script(made), ['x'])
  assert.deepEqual([outcome!.text, outcome!.error], ['{"kept":true,"list":"all lists"}', null])
})

test('numbers that a script leaves in place keep their digits', async () => {
  const body = '{"id":9007199254740993,"list":[{"price":10.50},1.0],"n":1}'
  const code = 'const d = bento.v0_msg_as_structured(); d.n += 0.5; bento.v0_msg_set_structured(d)'
  assert.deepEqual(await bodiesOf(script(code), [body]), [
    '{"id":9007199254740993,"list":[{"price":10.50},1.0],"n":1.5}',
  ])
})

test('metadata may be set to any type, and is read as strings', async () => {
  const code = `
    bento.v0_msg_set_meta('text', 'hello')
    bento.v0_msg_set_meta('more', bento.v0_msg_get_meta('text') + ' two')
    bento.v0_msg_set_meta('list', ['first', { n: 2 }])
    bento.v0_msg_set_meta('float', 123.4)
    bento.v0_msg_set_meta('int', 7)
    bento.v0_msg_set_meta('read', [bento.v0_msg_get_meta('list'), bento.v0_msg_get_meta('given'), bento.v0_msg_exists_meta('none')])
    try { bento.v0_msg_get_meta('none') } catch (error) { bento.v0_msg_set_meta('error', error) }`
  const types = "{ mapping: 'root = [ @int.type(), @int / 2, @float, @list ]' }"
  const [outcome] = await processed(`{ processors: [ ${script(code)}, ${types} ] }`, [
    Message.fromText('x', new Map([['given', 'm']])),
  ])
  assert.equal(outcome!.text, '["number",3.5,123.4,["first",{"n":2}]]')
  const { metadata } = outcome!
  assert.equal(metadata['more'], 'hello two')
  assert.deepEqual(metadata['read'], ['["first",{"n":2}]', 'm', false])
  assert.equal(metadata['error'], 'key not found')
})

test('a failed message keeps its body and metadata, and the others continue', async () => {
  const code = `
    bento.v0_msg_set_meta('seen', 1)
    const { n } = bento.v0_msg_as_structured()
    if (n === 2) {
      throw new TypeError('not two')
    }
    bento.v0_msg_set_string('done')`
  const outcomes = await processed(script(code), ['{"n":1}', '{"n":2}', 'no document', '{"n":3}'], { asBatch: true })
  assert.deepEqual(
    outcomes.map(({ text, error, metadata }) => [text, error, Object.keys(metadata)]),
    [
      ['done', null, ['seen']],
      ['{"n":2}', 'TypeError: not two at main.js:5:26', []],
      ['no document', "invalid character 'o' in literal null (expecting 'u')", []],
      ['done', null, ['seen']],
    ],
  )
  assert.deepEqual(await errorsOf(script('throw "a text"'), ['x']), ['a text'])
  assert.deepEqual(await errorsOf(script('bento.v0_msg_set_meta("a", 1, 2)'), ['x']), [
    'have 3 arguments, but only 2 pointers to parse into',
  ])
  assert.deepEqual(await errorsOf(script('bento.v0_msg_set_string(undefined)'), ['x']), [
    'argument at position 0 is undefined',
  ])
})

test('top-level variables persist between messages; others do not', async () => {
  const counting = `var count = (count || 0) + 1; let local = 'x'; function twice(n) { return 2 * n }
    bento.v0_msg_set_string(local + twice(count))`
  assert.deepEqual(await bodiesOf(script(counting), ['', '', '']), ['x2', 'x4', 'x6'])
  const strict = `'use strict'; var seen = typeof seen === 'undefined' ? [] : seen; seen.push(1); bento.v0_msg_set_string(String(seen.length) + (this === undefined))`
  assert.deepEqual(await bodiesOf(script(strict), ['', '']), ['1false', '2false'])
})

test('scripts may be asynchronous', async () => {
  assert.deepEqual(
    await bodiesOf(script('const v = await Promise.resolve(3); bento.v0_msg_set_string("n" + v)'), ['a', 'b']),
    ['n3', 'n3'],
  )
  const wrapped = '(async () => { await null; bento.v0_msg_set_string("late") })()'
  assert.deepEqual(await bodiesOf(script(wrapped), ['a']), ['late'])
  assert.deepEqual(await errorsOf(script('(async () => { await null; throw new Error("late") })()'), ['a']), [
    'Error: late at main.js:1:43',
  ])
  assert.deepEqual(await errorsOf(script('await new Promise(() => {})'), ['a']), [
    'the promise that the script returned is never settled',
  ])
})

test('scripts send requests', async () => {
  const code = `const { status, body } = bento.v0_fetch('${url}' + bento.v0_msg_as_string(), { 'x-kind': 'k' }, 'POST', 'abc\\u00e9')
    bento.v0_msg_set_string(status + ': ' + body)`
  assert.deepEqual(await bodiesOf(script(code), ['/', '/missing', '/']), [
    '200: POST k ABCÉ',
    '404: POST k ABCÉ',
    '200: POST k ABCÉ',
  ])
  const [error] = await errorsOf(script(`bento.v0_fetch('http://127.0.0.1:1/')`), ['x'])
  assert.match(error!, /connection refused/)
  assert.deepEqual(await errorsOf(script(`bento.v0_fetch('${url}/endless')`), ['x']), [
    'the response is longer than 32 MiB',
  ])
})

test('modules come from the folder of the file, from node_modules and from global folders', async () => {
  mkdirSync(join(folder, 'node_modules/packaged/lib'), { recursive: true })
  mkdirSync(join(folder, 'global'))
  writeFileSync(join(folder, 'node_modules/packaged/package.json'), '{"main":"lib/start"}')
  writeFileSync(join(folder, 'node_modules/packaged/lib/start.js'), 'exports.name = __dirname.split("/").at(-1)')
  writeFileSync(
    join(folder, 'helper.js'),
    'const { n } = require("./data.json"); module.exports = m => m + n + require("packaged").name',
  )
  writeFileSync(join(folder, 'data.json'), '{"n":5}')
  writeFileSync(
    join(folder, 'global/shared.js'),
    `exports.fetched = () => bento.v0_fetch('${url}/', {}, 'GET', '').status`,
  )
  const file = join(folder, 'main.js')
  writeFileSync(
    file,
    'bento.v0_msg_set_string(require("./helper")("m") + require("shared").fetched() + require("util").format("%s %d", "a", "2", 3))',
  )
  const config = JSON.stringify({ javascript: { file, global_folders: [join(folder, 'global')] } })
  // The module turns out to need to wait: the script is run again from the start.
  assert.deepEqual(await bodiesOf(config, ['x', 'y']), ['m5lib200a 2 3', 'm5lib200a 2 3'])
  assert.deepEqual(await errorsOf(script('require("nowhere")'), ['x']), [
    "Error: cannot find module 'nowhere' at main.js:1:8",
  ])
})

test('a script that does not end is stopped, and its successors run', async () => {
  const endless = [
    'for (;;);',
    'const f = () => Promise.resolve().then(f); await f()',
    'while (true) { try { for (;;); } catch {} }',
    '/^(a+)+$/.test("a".repeat(40) + "b")',
    'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)',
  ]
  for (const code of endless) {
    const guarded = `if (bento.v0_msg_as_string() === 'bad') { ${code} }\nbento.v0_msg_set_string('ok')`
    const outcomes = await processed(script(guarded, quick), ['good', 'bad', 'good'])
    assert.deepEqual(
      outcomes.map(({ text, error }) => [text, error]),
      [
        ['ok', null],
        ['bad', 'the script used more than its 200 ms'],
        ['ok', null],
      ],
      code,
    )
  }
})

test('a script that takes too much memory or calls itself too deeply fails', async () => {
  const guarded = (code: string) => `if (bento.v0_msg_as_string() === 'bad') { ${code} }\nbento.v0_msg_set_string('ok')`
  const hostile: readonly (readonly [string, RegExp])[] = [
    ['const all = []; for (;;) all.push(new Array(1000).fill(1))', /out of memory/],
    ['let s = "x"; for (;;) s += s', /out of memory|invalid string length|string too long/],
    ['new ArrayBuffer(2 ** 30)', /out of memory|invalid array buffer length/],
    ['new Array(2 ** 28).fill(0)', /out of memory/],
    ['const f = () => f() + 1; f()', /stack overflow|too deeply/],
    ['let d = []; for (let i = 0; i < 1e5; i++) d = [d]; JSON.stringify(d)', /stack overflow|too deeply/],
  ]
  for (const [code, reason] of hostile) {
    const outcomes = await processed(script(guarded(code), { time_limit: '20s', memory_limit_mib: 32 }), [
      'bad',
      'good',
    ])
    assert.match(outcomes[0]!.error ?? '', reason, code)
    assert.deepEqual([outcomes[1]!.text, outcomes[1]!.error], ['ok', null], code)
  }
})

test('a script reaches nothing outside', async () => {
  const names = [
    'process',
    'fetch',
    'WebSocket',
    'XMLHttpRequest',
    'Deno',
    'Bun',
    'setTimeout',
    'importScripts',
    'std',
    'os',
  ]
  const code = `bento.v0_msg_set_structured(${JSON.stringify(names)}.filter(name => typeof globalThis[name] !== 'undefined'))`
  assert.deepEqual(await bodiesOf(script(code), ['x']), ['[]'])
  const roots = `const global = (function () {}).constructor('return this')()
    bento.v0_msg_set_string(String(global === globalThis) + typeof bento.v0_msg_as_string.constructor('return process'))`
  assert.deepEqual(await bodiesOf(script(roots), ['x']), ['truefunction'])
  assert.deepEqual(
    await errorsOf(script('await import("node:fs")'), ['x']).then(([error]) => /import|module/i.test(error!)),
    true,
  )
  assert.deepEqual(
    await errorsOf(script('require("fs")'), ['x']).then(([error]) => error!.includes("cannot find module 'fs'")),
    true,
  )
})

test('what a script does to built-in objects stays within it', async () => {
  const pollution = `Object.prototype.polluted = 'yes'; Array.prototype.push = () => 0; JSON.parse = JSON.stringify = () => 'mine'
    Object.defineProperty(Object.prototype, '__proto__', { value: 'x' })
    const d = bento.v0_msg_as_structured(); d.constructor = 1; bento.v0_msg_set_structured(d)`
  assert.deepEqual(await bodiesOf(script(pollution), ['{"__proto__":{"a":1},"b":2}', '{"b":[3]}']), [
    '{"__proto__":{"a":1},"b":2,"constructor":1}',
    '{"b":[3],"constructor":1}',
  ])
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('a program that cannot be compiled stops the stream with its place', async () => {
  await assert.rejects(
    processed(script('let x =\n  ;'), ['x']),
    /failed to compile javascript code: SyntaxError: .* at main\.js:2:3/,
  )
  await assert.rejects(
    processed(script('let 5'), ['x']),
    /failed to compile javascript code: SyntaxError: .* at main\.js:1:5/,
  )
  await assert.rejects(processed(script(''), ['x']), /either the code or file field must be specified/)
  await assert.rejects(
    processed('{ javascript: { file: /nowhere/x.js } }', ['x']),
    /failed to open target file: open \/nowhere\/x\.js: no such file or directory/,
  )
})

test('the event loop runs between messages that exceed their time limit', async () => {
  let at = performance.now()
  let stretches = 0
  // Each message blocks the event loop for 200 ms; without yielding between them these would add up.
  const timer = setInterval(() => {
    const now = performance.now()
    if (now - at > 150) stretches++
    at = now
  }, 1)
  await processed(script('for (;;);', quick), ['a', 'b', 'c'])
  clearInterval(timer)
  assert.ok(stretches >= 3, String(stretches))
})
