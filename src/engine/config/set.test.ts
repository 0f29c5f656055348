import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../component.ts'
import { field } from '../fields.ts'
import { Registry } from '../registry.ts'
import { configFields, shapesOf } from './core-fields.ts'
import { parseYaml, plainValue, valueOf } from './node.ts'
import { applyOverride, parseOverride } from './set.ts'

const registry = new Registry({}).extended([
  {
    kind: 'input',
    name: 'feed',
    summary: '',
    config: field.object({ paths: field.string('').list(), headers: field.string('').map(), count: field.int('') }),
  },
  { kind: 'processor', name: 'map', summary: '', config: field.string('') },
])

const text = 'input: { feed: { paths: [ a, b ], count: 1 } }\npipeline: { processors: [ { map: old } ] }\n'

function set(expression: string, path: readonly string[]): unknown {
  let node = applyOverride(registry, shapesOf(configFields), parseYaml(text), parseOverride(expression))
  for (const segment of path) node = node.kind === 'seq' ? node.items[Number(segment)]! : valueOf(node, segment)!
  return plainValue(node)
}

test('the value is the text after the first equals sign, taken literally', () => {
  const processor = ['pipeline', 'processors', '0', 'map']
  assert.equal(set('pipeline.processors.0.map=root = {"a": 1}', processor), 'root = {"a": 1}')
  assert.equal(set('pipeline.processors.0.map=this.a + ": x"', processor), 'this.a + ": x"')
  assert.equal(set('pipeline.processors.0.map=@every 1s', processor), '@every 1s')
})

test('a value has the type that its text has in YAML', () => {
  assert.equal(set('input.feed.count=0x10', ['input', 'feed', 'count']), 16)
  assert.equal(set('http.enabled=false', ['http', 'enabled']), false)
})

test('a list is set by index, appended to with a dash, or replaced by a single value', () => {
  assert.deepEqual(set('input.feed.paths.1=c', ['input', 'feed', 'paths']), ['a', 'c'])
  assert.deepEqual(set('input.feed.paths.-=c', ['input', 'feed', 'paths']), ['a', 'b', 'c'])
  assert.deepEqual(set('input.feed.paths=c', ['input', 'feed', 'paths']), ['c'])
  assert.deepEqual(set('pipeline.processors.-.map=new', ['pipeline', 'processors']), [{ map: 'old' }, { map: 'new' }])
})

test('missing map keys are created, with dots escaped as ~1', () => {
  assert.deepEqual(set('input.feed.headers.a~1b=c', ['input', 'feed', 'headers']), { 'a.b': 'c' })
})

test('a path to an unknown field is an error that names the segment', () => {
  const fails = (expression: string, message: RegExp) =>
    assert.throws(
      () => set(expression, []),
      (error: Error) => error instanceof ConfigError && message.test(error.message),
    )
  fails('nope.x=1', /: nope: field not recognised/)
  fails('input.fed.count=1', /: input\.fed: field not recognised, did you mean feed\?/)
  fails('input.feed.count.x=1', /: input\.feed\.count\.x: field not recognised/)
  fails('pipeline.processors.1.map=x', /: pipeline\.processors\.1: target index greater than array length/)
  fails('pipeline.processors.x.map=x', /: pipeline\.processors\.x: a list needs an index/)
  fails('input.feed.headers=x', /: input\.feed\.headers: cannot set map directly/)
  fails('novalue', /expected foo=bar syntax/)
  fails('=x', /expected foo=bar syntax/)
  fails('input.feed.count=', /expected foo=bar syntax/)
})
