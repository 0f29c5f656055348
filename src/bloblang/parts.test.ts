// Working on the bytes of a document must give the same results as working on all of it, for unusual documents too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BodyView,
  compileInterpolation,
  compileMapping,
  JsonWriter,
  type Mapping,
  MappingError,
  MetadataDraft,
  parseBody,
  patchedBody,
  PatchedDocument,
  type Value,
} from './index.ts'
import { inertHost } from './inert-host.ts'

/** A message that hides its bytes, so that its document is read as a whole. */
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
  '{"*":{"y":1},"id":2,"a":{"*":{"b":3}}}',
  '{"a":{"x":{"z":[1],"y":{"w":2}},"b":{"d":{"f":1,"e":2}}},"id":{"n":{"m":[{}]}}}',
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
  test(`${text} reads the same from a part of a document as from the whole`, () => {
    const { interpolation } = compileInterpolation(text, { host: inertHost })
    for (const document of DOCUMENTS) {
      const bytes = Buffer.from(document)
      const run = (message: BodyView, second: BodyView) => {
        second.setText('{"id":"of the second","other":[1]}')
        return outcome(() => interpolation!.eval([message.set(bytes), second], 0))
      }
      assert.equal(
        run(new BodyView(), new BodyView()),
        run(new WholeMessage(), new WholeMessage()),
        `of ${bytes.toString()}`,
      )
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

const MAPPINGS = [
  'root = this',
  'root = this\nroot.new = this.id\nroot.other = deleted()',
  'root = this\nroot.a.new = this.id.string()\nroot.a.b = deleted()',
  'root.carried = this.a\nroot.twice = this.a\nroot.id = this.id',
  'root.carried = this.a.b\nroot.carried_id = this.a',
  'root.a = this.a\nroot.a.b = this.id',
  'root."*".x = this.id\nroot."a.b".y = 1',
  'root = this\nroot."*".x = this.id',
  'root.a.0 = this.id\nroot.b."-" = 1',
  'root = this\nroot.a.0.b = this.id\nroot.a."-" = 1',
  'root.id = this.id.number() + 1\nroot.copy = this',
  'root.all = this.string()\nroot.a = root.all.length()',
  'root.kept = json("a")\nroot.text = content().string()',
  'root.id = json("id")\nroot.text = content().string()\nroot.a = json("a")',
  'root.a = if this.id == 1 { deleted() } else { this.a }',
  'if this.id == 1 {\n  root.id = deleted()\n} else {\n  root.a.c = 1\n}',
  'root.id = deleted()\nroot.after = throw("no")',
  'root = this.a',
  'root = deleted()',
  'meta id = this.id',
  'root.m = this.map_each(e -> e)',
  'root.b = this.id\nroot.c = this.b',
]

const FORMS: Readonly<Record<string, (mapping: Mapping, message: BodyView) => Value | PatchedDocument>> = {
  'a mapping': (mapping, message) => mapping.patch([message], 0, new MetadataDraft()),
  'a mutation': (mapping, message) => mapping.mutate([message], 0, new MetadataDraft()),
  'the result of a branch': (mapping, message) => mapping.patchOnto(message, [message], 0, new MetadataDraft()),
}

for (const text of MAPPINGS) {
  for (const [form, run] of Object.entries(FORMS)) {
    test(`${form} returns the same for a document and for its bytes: ${text.replaceAll('\n', '; ')}`, () => {
      const { mapping } = compileMapping(text, { host: inertHost })
      // Twice, because what is learned from one document is reused for the next.
      for (const document of [...DOCUMENTS, ...DOCUMENTS]) {
        const bytes = Buffer.from(document)
        const make = (message: BodyView) => outcome(() => run(mapping!, message.set(bytes)))
        const whole = make(new WholeMessage())
        assert.equal(printed(make(new BodyView())), printed(whole), `of ${bytes.toString()}`)
        // No part of the value is still bytes.
        assert.deepEqual(valueOf(make(new BodyView())), whole, `of ${bytes.toString()} as a value`)
      }
    })
  }
}

test('a mapping that also reads other messages of its batch still patches its own document', () => {
  const { mapping } = compileMapping('root.a = this.a\nroot.b = json("id").from_all()', { host: inertHost })
  const batch = ['{"a":{"n":[1]},"id":1}', '{"id":2}'].map(text => new BodyView().setText(text))
  const result = mapping!.patch(batch, 0, new MetadataDraft())
  assert.ok(result instanceof PatchedDocument)
  assert.deepEqual(result.structured(), { a: { n: [1] }, b: [1n, 2n] })
})

test('sorting the keys of a body keeps its document', () => {
  for (const document of [...DOCUMENTS, ...DOCUMENTS]) {
    const bytes = Buffer.from(document)
    const whole = outcome(() => parseBody(bytes))
    assert.equal(printed(outcome(() => patchedBody(bytes))), printed(whole), `of ${bytes.toString()}`)
    assert.deepEqual(valueOf(outcome(() => patchedBody(bytes))), whole, `of ${bytes.toString()} as a value`)
  }
  assert.ok(patchedBody(Buffer.from('{"b":1,"a":{"d":1,"c":2}}')) instanceof PatchedDocument)
})

test('fields that a mapping leaves untouched stay bytes', () => {
  const document = '{"id":1,"nested":{"z":1,"a":[true]},"text":"<ä>"}'
  const made = {
    'a mapping': 'root = this\nroot.id = 2',
    'a mutation': 'root.id = 2',
    'the result of a branch': 'root.id = 2',
  }
  for (const [form, text] of Object.entries(made)) {
    const { mapping } = compileMapping(text, { host: inertHost })
    const result = FORMS[form]!(mapping!, new BodyView().setText(document))
    assert.ok(result instanceof PatchedDocument, form)
    assert.equal(printed(result), '{"id":2,"nested":{"a":[true],"z":1},"text":"<Ã¤>"}')
  }
})

/** The bytes as one character each, because they are not always UTF-8. */
function printed(result: Value | PatchedDocument): string {
  const writer = new JsonWriter(false)
  if (result instanceof PatchedDocument) result.print(writer)
  else writer.value(result)
  return Buffer.from(writer.toBytes()).toString('latin1')
}

function valueOf(result: Value | PatchedDocument): Value {
  return result instanceof PatchedDocument ? result.structured() : result
}

/** The result, or the text of a mapping error. */
function outcome<T>(run: () => T): T | string {
  try {
    return run()
  } catch (error) {
    if (error instanceof MappingError) return `error: ${error.message}`
    throw error
  }
}
