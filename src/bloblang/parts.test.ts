// Reading a document in part, from its bytes, and reading it whole give the same: documents out of the ordinary.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyView, compileInterpolation, MappingError } from './index.ts'
import { inertHost } from './inert-host.ts'

/** A message that hides its bytes: its document is read as a whole. */
class WholeMessage extends BodyView {
  override project(): null {
    return null
  }
}

const DOCUMENTS: readonly (string | Buffer)[] = [
  '',
  ' ',
  'null',
  '7',
  '"text"',
  'true',
  '[{"id":1,"a":{"b":2}}]',
  '{}',
  '{"id":1}',
  ' {"id":1,"a":{"b":2}}\r\n',
  '\uFEFF{"id":1}',
  '{"id":1}{"id":2}',
  '{"id":1} trailing',
  '{"id":1',
  '{"id":1,}',
  '{"id" : 1 , "a" : { "b" : [ 1 , 2 ] } }',
  '{"id":"first","id":"second","a":{"b":1,"b":2},"a":{"c":3}}',
  String.raw`{"\u0069d":"escaped","a":{"b":"\u00e4\n\"\\\/"}}`,
  String.raw`{"id":"\ud800","a":{"b":"\ud83d\ude00","\ud800":1}}`,
  String.raw`{"id":"\q"}`,
  String.raw`{"other":"\u12","id":1}`,
  '{"id":"<a & b>","a":{"z":"\u2028","b":"<"}}',
  '{"id":12345678901234567890,"a":{"b":1.50,"c":-0,"d":1e3,"e":1E400}}',
  '{"id":0.0000001,"a":{"b":100000000000000000000000.5}}',
  '{"id":01}',
  '{"id":-}',
  '{"id":nul}',
  '{"id":{"z":1,"a":[{"y":2,"b":3}]},"a":[{"b":1},{"b":2}]}',
  '{"a.b":1,"a":{"b":{"c":true}},"__proto__":{"id":3},"constructor":1}',
  `{"id":${'['.repeat(100)}${']'.repeat(100)}}`,
  '{"id":"tab\there"}',
  Buffer.concat([Buffer.from('{"id":"'), Buffer.of(0xff, 0xc3), Buffer.from('","a":{"b":1}}')]),
  Buffer.concat([Buffer.from('{"'), Buffer.of(0xff), Buffer.from('":1,"id":2}')]),
]

const INTERPOLATIONS = [
  '${! json("id") }',
  '${! json("a.b") }-${! this.id }',
  '${! json("a.0.b") }${! json("a.*.b") }',
  '${! json("a.b.c") | "none" }${! json().string() }',
  '${! this.a }${! json("a") }${! this.a.b }',
  '${! json(this.id.string()) }',
  '${! json("constructor") } ${! this.constructor } ${! json("__proto__") }',
  '${! content() }${! json("id").catch("no id") }',
  '${! json("id") }${! json("id").from(1) }${! this.id.from(1) }${! json("a").from(1) }',
  '${! json("missing") } ${! json("a.b~1c") } ${! json("a~1b") }',
]

for (const text of INTERPOLATIONS) {
  test(`${text} is the same from a part of a document and from all of it`, () => {
    const { interpolation } = compileInterpolation(text, { host: inertHost })
    for (const document of DOCUMENTS) {
      const bytes = Buffer.from(document)
      const run = (message: BodyView) => {
        const second = new WholeMessage().setText('{"id":"of the second"}')
        return outcome(() => interpolation!.eval([message.set(bytes), second], 0))
      }
      assert.equal(run(new BodyView()), run(new WholeMessage()), `of ${bytes.toString()}`)
    }
  })
}

test('an interpolation reads no more of a document than it needs', () => {
  const { interpolation } = compileInterpolation('${! json("a.b") }/${! this.id }/${! json("a.c") }', {
    host: inertHost,
  })
  const message = new BodyView().setText('{"a":{"b":1,"c":2},"id":3,"big":[4]}')
  let projections = 0
  const read: BodyView['project'] = projector => {
    projections++
    return BodyView.prototype.project.call(message, projector)
  }
  const watched = Object.assign(message, {
    project: read,
    structured: () => assert.fail('the document was read as a whole'),
  })
  assert.equal(interpolation!.eval([watched], 0), '1/3/2')
  assert.equal(projections, 1)
})

function outcome(run: () => string): string {
  try {
    return run()
  } catch (error) {
    if (error instanceof MappingError) return `error: ${error.message}`
    throw error
  }
}
