import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Value } from '../value.ts'
import { jsonBytes, printJson } from './print.ts'
import { JsonWriter } from './writer.ts'

/** V8's output, except for what the original escapes differently. */
function expected(text: string): string {
  return JSON.stringify(text)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`)
    .replaceAll(/\\u(d[89a-f][0-9a-f]{2})/g, String.raw`\ufffd`)
}

test('strings are printed byte for byte like V8 prints them', () => {
  const character = fc.oneof(
    fc.string({ maxLength: 3, unit: 'binary' }),
    fc.constantFrom('"', '\\', '\u2028', '\ud83d', '\ude00', 'é'),
  )
  const text = fc.array(character, { maxLength: 40 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 400 }), (part, times) => {
      fc.pre(!/\\/.test(part))
      const whole = part.repeat(times)
      assert.equal(printJson(whole), expected(whole))
      assert.deepEqual(Buffer.from(jsonBytes(whole)), Buffer.from(expected(whole)))
    }),
    { numRuns: 300 },
  )
})

/** JSON values are values of the language. */
const documents = fc.jsonValue({ maxDepth: 4 }).map(document => document as Value)

test('documents are printed with their keys in order', () => {
  fc.assert(
    fc.property(documents, document => {
      const printed = printJson(document)
      assert.deepEqual(JSON.parse(printed), JSON.parse(JSON.stringify(document)))
      const indented = printJson(document, { indent: '  ' })
      assert.deepEqual(JSON.parse(indented), JSON.parse(printed))
    }),
  )
})

test('keys are sorted by their bytes and indented, one per line', () => {
  const document = { b: { é: [], '\u{10000}': {}, '\uffff': [1] }, a: null, '': '' }
  assert.equal(printJson(document), '{"":"","a":null,"b":{"é":[],"\uffff":[1],"\u{10000}":{}}}')
  assert.equal(
    printJson({ b: { c: [1, {}] }, a: 'x' }, { indent: '\t' }),
    '{\n\t"a": "x",\n\t"b": {\n\t\t"c": [\n\t\t\t1,\n\t\t\t{}\n\t\t]\n\t}\n}',
  )
})

test('numbers are printed as JavaScript does', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger()),
      number => {
        assert.equal(printJson(number), String(number))
      },
    ),
  )
})

test('a writer can be reused for several values', () => {
  const out = new JsonWriter(true)
  out.value('<é>')
  out.byte(10)
  assert.equal(out.ascii, false)
  assert.equal(out.toString(), '"\\u003cé\\u003e"\n')
  out.clear()
  out.raw('é\udcff<')
  assert.deepEqual([...out.toBytes()], [0xc3, 0xa9, 0xff, 0x3c])
})
