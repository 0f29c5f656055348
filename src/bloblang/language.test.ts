import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  BodyView,
  compileInterpolation,
  compileMapping,
  MappingError,
  MetadataDraft,
  JsonWriter,
  printJson,
} from './index.ts'
import { type DocumentPlan, Projector } from './json/project.ts'
import { parseDocumentText } from './json/parse.ts'
import { Library } from './compiler/library.ts'
import { FUNCTIONS, METHODS } from './stdlib/registry.gen.ts'
import { Fault } from './syntax/fault.ts'
import { parseMappingText } from './syntax/mapping-parser.ts'
import { printMapping } from './syntax/print.ts'
import { checkMapping, FUNCTION_COMPLETIONS, tokenize } from './syntax.ts'
import { processorMs } from './processor-time.ts'
import { inertHost } from './inert-host.ts'

const name = fc.constantFrom('a', 'b', 'foo', 'user')
const literal = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
  fc.double({ min: 0, max: 1e6, noNaN: true }).map(float => float.toFixed(3)),
  fc.string({ maxLength: 6 }).map(text => JSON.stringify(text.replace(/[\ud800-\udfff]/g, ''))),
  fc.constantFrom('true', 'false', 'null', '"""raw"""', '[]', '{}', 'deleted()'),
)
const { query } = fc.letrec<{ query: string }>(tie => {
  const inner = tie('query')
  return {
    query: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      literal,
      name.map(field => `this.${field}`),
      fc.constantFrom('this', 'root.a', '@key', '@', '$v', 'this."a b".c', 'content()', 'now()'),
      fc
        .tuple(inner, fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||', '|'), inner)
        .map(([l, o, r]) => `(${l}) ${o} (${r})`),
      fc
        .tuple(
          inner,
          fc.constantFrom(
            'uppercase()',
            'length()',
            'string()',
            'number()',
            'type()',
            'catch(null)',
            'or("x")',
            'keys()',
            'not_null()',
          ),
        )
        .map(([t, m]) => `(${t}).${m}`),
      fc.tuple(inner, inner).map(([t, q]) => `(${t}).map_each(x -> [x, ${q.replaceAll('x ->', 'y ->')}])`),
      fc.tuple(inner, inner, inner).map(([c, a, b]) => `if (${c}) { ${a} } else { ${b} }`),
      fc.tuple(inner, inner, inner).map(([s, p, r]) => `match (${s}) { ${p} => ${r}, _ => "other" }`),
      fc.tuple(inner, inner).map(([a, b]) => `[${a}, ${b}]`),
      fc.tuple(inner, inner).map(([a, b]) => `{"k": ${a}, ("d" + "e"): ${b}}`),
      fc.tuple(inner, inner).map(([t, i]) => `(${t})[${i}]`),
      inner.map(t => `(${t})[1:]`),
      inner.map(t => `-(${t})`),
      inner.map(t => `!(${t})`),
      fc.tuple(inner, inner).map(([t, q]) => `(${t}).(${q})`),
    ),
  }
})
const statement = fc.oneof(
  query.map(q => `root = ${q}`),
  query.map(q => `root.a.b = ${q}`),
  query.map(q => `let v = ${q}`),
  query.map(q => `meta key = ${q}`),
  fc.tuple(query, query).map(([c, q]) => `if ${c} {\n  root.c = ${q}\n}`),
)
const mappingText = fc.array(statement, { minLength: 1, maxLength: 4 }).map(parts => parts.join('\n'))

test('a printed mapping parses to the same mapping', () => {
  const library = new Library(FUNCTIONS, METHODS, { host: inertHost })
  fc.assert(
    fc.property(mappingText, text => {
      const tree = parseMappingText(text, library, null)
      if (tree instanceof Fault) return
      const printed = printMapping(tree)
      const again = parseMappingText(printed, library, null)
      assert.ok(!(again instanceof Fault), `${printed} is refused: ${again instanceof Fault ? again.message : ''}`)
      assert.equal(printMapping(again), printed)
    }),
    { numRuns: 400 },
  )
})

test('compiled mappings throw only mapping errors', () => {
  fc.assert(
    fc.property(mappingText, fc.json(), (text, document) => {
      const { mapping } = compileMapping(text, { host: inertHost })
      if (mapping === undefined) return
      const messages = [new BodyView().setText(document)]
      for (const run of [
        () => mapping.run(messages, 0, new MetadataDraft()),
        () => mapping.mutate(messages, 0),
        () => mapping.check(messages, 0),
      ]) {
        try {
          run()
        } catch (error) {
          assert.ok(error instanceof MappingError, String(error))
        }
      }
    }),
    { numRuns: 400 },
  )
})

test('a directly printed result equals the printed value of the result', () => {
  const outcome = (text: string, document: string, out: JsonWriter | null) => {
    const { mapping } = compileMapping(text, { host: inertHost })
    if (mapping === undefined) return null
    try {
      const value = mapping.runCommand([new BodyView().setText(document)], new MetadataDraft(), false, out)
      return value === undefined ? out!.toString() : printJson(value, { escapeHtml: true })
    } catch (error) {
      assert.ok(error instanceof MappingError, String(error))
      return error.message
    }
  }
  const fields = fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }))
  fc.assert(
    fc.property(mappingText, fields, (text, document) => {
      const body = JSON.stringify(document)
      assert.equal(outcome(text, body, new JsonWriter(true)), outcome(text, body, null))
    }),
    { numRuns: 400 },
  )
})

test('the parser never throws', () => {
  const pieces = fc.constantFrom(
    'root',
    ' = ',
    'this',
    '.',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '"',
    '"""',
    '->',
    '=>',
    'match ',
    'if ',
    'map ',
    'let ',
    '\n',
    ' ',
    '#',
    '$',
    '@',
    '5',
    '\\',
    ',',
    ':',
    '|',
    'x',
    '!',
    '-',
    '\u0000',
    '\ud800',
    'é',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), parts => {
      const text = parts.join('')
      compileMapping(text, { host: inertHost })
      compileInterpolation(`\${!${text}`, { host: inertHost })
      checkMapping(text)
      tokenize(text)
    }),
    { numRuns: 1500 },
  )
})

test('a partially read document equals the document read completely', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue()),
      fc.array(fc.string({ maxLength: 4 })),
      (document, fields) => {
        const text = JSON.stringify(document)
        const none = { fields: null, carried: false, carries: true, dropped: new Set<string>() }
        const plans = fields.map((field, at): [string, DocumentPlan] => [
          field,
          at % 3 === 0 ? none : at % 3 === 1 ? { ...none, carried: true } : { ...none, fields: new Map([['a', none]]) },
        ])
        const projector = new Projector({ ...none, fields: new Map(plans) }, true)
        const expected = printJson(parseDocumentText(text), { escapeHtml: true })
        for (const again of [text, text, JSON.stringify(document, null, 1).replaceAll('\n', '')]) {
          const bytes = Buffer.from(` ${again} `)
          const projected = projector.project(bytes, 1, bytes.length - 1, null)
          if (projected !== null) assert.equal(printJson(projected, { escapeHtml: true }), expected)
        }
      },
    ),
  )
})

test('a document ends at the end of its message, whatever bytes follow', () => {
  const chunk = Buffer.from('{"a":"b\\"} \\q","b":1}')
  const projector = new Projector({ fields: null, carried: false, carries: false, dropped: new Set<string>() }, true)
  for (let end = 0; end < chunk.length; end++) assert.equal(projector.project(chunk, 0, end, null), null)
  const { mapping } = compileMapping('root = this.a', { host: inertHost })
  const run = (end: number) => mapping!.run([new BodyView().set(chunk, 0, end)], 0)
  assert.throws(() => run(8), /unexpected EOF/)
  assert.throws(() => run(chunk.length), /invalid character 'q' in string escape code/)
})

for (const [what, text] of [
  ['10,000 nested brackets', `root = ${'['.repeat(10_000)}`],
  ['10,000 nested parentheses', `root = ${'('.repeat(10_000)}1${')'.repeat(10_000)}`],
  ['10,000 nested matches', `root = ${'match { '.repeat(10_000)}`],
  ['10,000 indexes', `root = ${'a['.repeat(10_000)}`],
  ['10,000 operators', `root = ${'this.a + '.repeat(10_000)}1`],
  ['10,000 methods', `root = this${'.string()'.repeat(10_000)}`],
  ['20,000 assignments to one path', 'root.a = this.b.catch(deleted())\n'.repeat(20_000)],
  ['10 MB of a comment', `root = this\n#${'x'.repeat(10_000_000)}\n`],
  ['10 MB of a string', `root = "${'x'.repeat(10_000_000)}"`],
  ['10 MB of line breaks', `root = this\n${'\n'.repeat(10_000_000)}`],
  ['10 MB of invalid characters', 'root = this '.padEnd(10_000_000, '%')],
] as const) {
  test(`${what}: yields a mapping or a diagnostic quickly`, () => {
    const takenMs = processorMs(() => {
      const { mapping, diagnostics } = compileMapping(text, { host: inertHost })
      assert.ok(mapping !== undefined || diagnostics.length > 0)
    })
    assert.ok(takenMs < 10_000)
  })
}

test('several faults are reported together, each with its position', () => {
  const found = checkMapping('root.a = this.b.uppercas()\nroot.b = 1\nroot.c = (1 +\nroot.d = 2\nroot.e = foo()')
  assert.deepEqual(
    found.map(({ text }) => text),
    [
      "line 1 char 27: unrecognised method 'uppercas'",
      'line 4 char 8: required: expected closing bracket',
      "line 5 char 15: unrecognised function 'foo'",
    ],
  )
  assert.deepEqual(found[0]!.suggestions, ['uppercase'])
  assert.ok(FUNCTION_COMPLETIONS.some(entry => entry.name === 'uuid_v4'))
})

test('a new document is the same whether returned as a value or printed directly', () => {
  const text =
    'root.user.name = this.name.uppercase()\nroot.id = this.id\nif this.age >= 18 {\n  root.user.adult = true\n}'
  const { mapping } = compileMapping(text, { host: inertHost })
  const run = (document: string) => {
    const draft = new MetadataDraft()
    const out = new JsonWriter(true)
    const value = mapping!.runCommand([new BodyView().setText(document)], draft, false)
    const printed = mapping!.runCommand([new BodyView().setText(document)], draft, false, out)
    return [printJson(value, { escapeHtml: true }), printed === undefined ? out.toString() : printJson(printed)]
  }
  assert.deepEqual(
    run('{"name":"a<b","id":1.50,"age":20}'),
    Array(2).fill('{"id":1.50,"user":{"adult":true,"name":"A\\u003cB"}}'),
  )
  assert.deepEqual(run('{"name":"b","id":[1, 2],"age":2}'), Array(2).fill('{"id":[1,2],"user":{"name":"B"}}'))
})

test('targets and reads of a mapping', () => {
  const { mapping } = compileMapping(
    'let x = this.a.b\nroot.c = $x + json("d")\nmeta k = @j\nroot.e = this.l.map_each(i -> i.q)',
    { host: inertHost },
  )
  assert.deepEqual(mapping!.targets, [
    { kind: 'variable', path: ['x'] },
    { kind: 'value', path: ['c'] },
    { kind: 'metadata', path: ['k'] },
    { kind: 'value', path: ['e'] },
  ])
  assert.deepEqual(
    mapping!.reads.map(({ kind, path }) => `${kind} ${path.join('.')}`),
    ['value a.b', 'variable x', 'value d', 'metadata j', 'value l', 'value l.q'],
  )
})

test('interpolations', () => {
  const batch = [new BodyView().setText('{"a":{"b":1},"n":null}')]
  const text = (config: string) => compileInterpolation(config, { host: inertHost }).interpolation!.eval(batch, 0)
  assert.equal(text('x-${! this.a.b }-${! n }-${{! raw }}-$5'), 'x-1-null-${! raw }-$5')
  assert.equal(text('${! json("a") }'), '{"b":1}')
  assert.equal(compileInterpolation('plain', { host: inertHost }).interpolation!.static, 'plain')
  assert.equal(
    compileInterpolation('foo ${! this. } bar', { host: inertHost }).diagnostics![0]!.charText,
    'char 15: required: expected method or field path',
  )
})
