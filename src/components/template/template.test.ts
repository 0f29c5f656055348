import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Message } from '../../engine/index.ts'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-template-'))
after(() => rmSync(folder, { recursive: true }))

const template = (text: string, more: object = {}) => JSON.stringify({ template: { text, ...more } })

const document =
  '{"a":"Hello World","n":5,"z":0,"f":1.50,"big":12345678901234567890,"l":[3,1,2],"s":["b","a","b"],"m":{"y":1,"x":{"k":"v"}},"e":"","nil":null,"t":true,"no":false,"items":[{"name":"foo","v":1.25},{"name":"bar","v":2}]}'

interface Case {
  readonly template: string
  readonly output?: string
  readonly fails?: boolean
}

// Expected results, as produced by Go's text/template with Sprig.
const cases = JSON.parse(readFileSync(join(import.meta.dirname, 'cases.json'), 'utf8')) as readonly Case[]

test('templates of every kind give the results of the original, or fail likewise', async () => {
  for (const each of cases) {
    if (each.fails === true) {
      const run = async () => {
        for (const { error } of await processed(template(each.template), [document]))
          if (error !== null) throw new Error(error)
      }
      await assert.rejects(run(), /template: main:\d+:/, each.template)
    } else assert.deepEqual(await bodiesOf(template(each.template), [document]), [each.output], each.template)
  }
})

test('metadata, custom functions and nested templates', async () => {
  const more = {
    functions: { shout: 'root = this.uppercase()' },
    sub_templates: { hello: { text: 'hello {{ shout .foo }}' } },
  }
  const message = Message.fromText('{"foo":"world"}').withMeta('m', 'v')
  assert.deepEqual(
    await bodiesOf(template('{{ template "hello" . }} {{ meta "m" }} {{ meta "none" }}', more), [message]),
    ['hello WORLD v <no value>'],
  )
})

test('templates come from files', async () => {
  writeFileSync(join(folder, 'main.txt'), 'hello {{ template "hello" . }}')
  writeFileSync(join(folder, 'part.txt'), '{{ .foo }}')
  const parts = { sub_templates: { hello: { text: join(folder, 'part.txt'), from_file: true } } }
  assert.deepEqual(
    await bodiesOf(template(join(folder, 'main.txt'), { from_file: true, ...parts }), ['{"foo":"world"}']),
    ['hello world'],
  )
  await assert.rejects(
    processed(template(join(folder, 'none'), { from_file: true }), []),
    /Failed to open template from file path .*no such file/,
  )
})

test('an invalid template keeps the stream from starting', async () => {
  const fails = async (text: string, reason: RegExp, more: object = {}) =>
    await assert.rejects(processed(template(text, more), []), reason)
  await fails('{{ invalid syntax', /Failed to parse template: template: main:1: unclosed action/)
  await fails('\n{{ nope .foo }}', /Failed to parse template: template: main:2: function "nope" not defined/)
  await fails('{{ genCA "x" 1 }}', /function "genCA" not defined: it is known but not supported by Penstock yet/)
  await fails('', /can not redefine a sprig function named upper/, { functions: { upper: 'root = this' } })
  await fails('', /can not redefine a predefined function or named len/, { functions: { len: 'root = this' } })
  await fails(`${'{{if 1}}'.repeat(1000)}`, /nested more than 200 levels deep/)
})

test('numbers of a document can be compared with numbers', async () => {
  const texts = ['{{ eq .n 5 }}', '{{ lt .n 6 }}', '{{ gt .f 1 }}', '{{ if .z }}yes{{ end }}']
  for (const [index, text] of texts.entries()) {
    assert.deepEqual(await bodiesOf(template(text), [document]), [index === 3 ? 'yes' : 'true'], text)
  }
})

test('a template does not change the message, but can change its own dictionaries', async () => {
  const text =
    '{{ $d := dict }}{{ $_ := set $d "k" 1 }}{{ $e := set .m "new" 1 }}{{ len $d }}{{ hasKey $e "new" }}{{ hasKey .m "new" }}'
  assert.deepEqual(await bodiesOf(template(text), [document]), ['1truefalse'])
})

test('endless templates are stopped', async () => {
  const limited = async (text: string) => (await errorsOf(template(text), ['{}']))[0]!
  assert.match(
    await limited('{{define "T"}}{{template "T"}}{{end}}{{template "T"}}'),
    /exceeded maximum template depth/,
  )
  assert.match(await limited('{{ range 1000000000 }}{{ end }}'), /takes more than 5,000,000 steps/)
  assert.match(await limited('{{ repeat 1000000000 "x" }}'), /the repeated text is too long/)
  assert.match(await limited('{{ until 1000000000 }}'), /more than 1000000 numbers/)
  assert.match(
    await limited('{{ range 1000 }}{{ repeat 1000000 "x" }}{{ end }}'),
    /the result has more than 67108864 characters/,
  )
})

test('a message that is not a document is flagged', async () => {
  const [error] = await errorsOf(template('{{ . }}'), ['nope'])
  assert.match(error!, /^Failed to parse part into json: /)
})
