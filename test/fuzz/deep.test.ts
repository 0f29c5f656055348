// Documents may be nested up to ten thousand levels deep; deeper ones are rejected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyView, compileMapping, MappingError, printJson } from '../../src/bloblang/index.ts'
import { inertHost } from '../../src/bloblang/inert-host.ts'

const LEVELS = 10_000

function outcome(text: string, document: string): string {
  const { mapping } = compileMapping(text, { host: inertHost })
  const message = new BodyView().setText(document)
  try {
    return printJson(mapping!.runCommand([message], message.draft, false))
  } catch (error) {
    assert.ok(error instanceof MappingError, String(error))
    return error.message
  }
}

for (const [open, close] of [
  ['[', ']'],
  ['{"a":', '}'],
] as const) {
  for (const number of ['1', '1.50']) {
    const deep = open.repeat(LEVELS) + number + close.repeat(LEVELS)
    test(`a document of ${LEVELS} levels of ${open} around ${number} is read, copied, compared and printed`, () => {
      assert.equal(outcome('root = this', deep), deep)
      assert.equal(outcome('root.b = [this]', deep), `{"b":[${deep}]}`)
      assert.equal(outcome('root = this == this.string().parse_json(use_number: true)', deep), 'true')
      assert.equal(outcome('root = this.string().length() > 20000', deep), 'true')
      assert.equal(outcome('root = this.format_json(no_indent: true).length()', deep), String(deep.length))
      assert.equal(outcome('root = this.collapse().length()', deep), '1')
      assert.equal(outcome('root = {"a": {}}.assign({"a": this}).a == this', deep), 'true')
      if (open !== '[') assert.equal(outcome('root = {"a": {}}.merge({"a": this}).a == this', deep), 'true')
    })
  }
  test(`a document of more than ${LEVELS} levels of ${open} is rejected`, () => {
    const tooDeep = open.repeat(LEVELS + 1) + 1 + close.repeat(LEVELS + 1)
    assert.match(outcome('root = this', tooDeep), new RegExp(`invalid character '\\${open[0]!}' exceeded max depth$`))
    assert.match(outcome('root = content().parse_json()', tooDeep), /exceeded max depth$/)
    assert.equal(outcome('root = content().length() > 20000', tooDeep), 'true')
  })
}

test('values nested too deeply for the stack cause only mapping errors', () => {
  const deep = '['.repeat(LEVELS) + ']'.repeat(LEVELS)
  for (const method of ['format_msgpack()', 'format_yaml()', 'diff(this)', 'json_path("$..x")', 'json_schema("{}")'])
    outcome(`root = this.${method}`, deep)
})
