import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Sharing, sharingOf } from './sharing.ts'

const output = 'output:\n  kafka_franz_warpstream:\n    topic: t\n'
const generate = (mapping: string, more = '') =>
  `input:\n  generate:\n    interval: 1s\n    mapping: ${JSON.stringify(mapping)}\n${more}${output}`
const process = (processor: string) =>
  `input:\n  kafka_franz_warpstream:\n    topics: [ a ]\n    consumer_group: g\npipeline:\n  processors:\n    - ${processor}\n${output}`

const cases: [what: string, text: string, sharing: Sharing][] = [
  ['a generator of one message a second', generate('root = {"id": uuid_v4(), "at": now()}'), 'together'],
  ['a mapping from topic to topic', process('mapping: root = content().uppercase()'), 'together'],
  ['one query for each element', process('mapping: root = this.items.map_each(i -> i.id)'), 'together'],
  ['a condition', process('mapping: root = if (this.a > 1) { this.b } else { deleted() }'), 'together'],
  ['a counter, which a move would set back', generate('root.n = counter()'), 'together_in_place'],
  ['a number of messages, which would begin again', generate('root = 1', '    count: 10\n'), 'together_in_place'],
  ['a loop', process('while: { check: "true", processors: [] }'), 'alone'],
  ['a range', process('mapping: root = range(0, 4000000)'), 'alone'],
  ['a query in a query', process('mapping: root = this.a.map_each(a -> this.b.map_each(b -> a + b))'), 'alone'],
  ['a map, which may call itself', process('mapping: root = this.apply("foo")'), 'alone'],
  ['a mapping from a file', process(`mapping: 'from "./a.blobl"'`), 'alone'],
  ['a counter of the whole thread', generate('root.n = count("n")'), 'alone'],
  ['a generator without rest', generate('root = 1').replace('1s', '""'), 'alone'],
  ['a fast generator', generate('root = 1').replace('1s', '1ms'), 'alone'],
  ['large batches of a generator', generate('root = 1', '    batch_size: 1000000\n'), 'alone'],
  ['a component that is not known', process('cache: { resource: c, operator: get, key: k }'), 'alone'],
  ['two components in one place', process('{ mapping: root = 1, cache: {} }'), 'alone'],
  ['resources', `${generate('root = 1')}cache_resources: []\n`, 'alone'],
  [
    'several threads',
    'input: { generate: { mapping: root = 1 } }\npipeline: { threads: 2 }\noutput: { drop: {} }\n',
    'alone',
  ],
  [
    'one thread',
    'input: { generate: { mapping: root = 1 } }\npipeline: { threads: 1 }\noutput: { drop: {} }\n',
    'together',
  ],
  ['a buffer', `${generate('root = 1')}buffer: { memory: {} }\n`, 'alone'],
  [
    'a large number',
    generate('root = 1').replace('topic: t', 'topic: t\n    max_buffered_records: 1000000000'),
    'alone',
  ],
  ['a variable', generate('root = 1').replace('topic: t', 'topic: ${TOPIC}'), 'alone'],
  ['a reference', `${generate('root = &a 1')}logger: &b { level: *b }\n`, 'alone'],
  ['an expression in an interpolation', generate('root = 1').replace('topic: t', 'topic: ${! range(0,9) }'), 'alone'],
  ['text that is not YAML', 'input: [\n', 'alone'],
  ['text without an input', output, 'alone'],
]

for (const [what, text, sharing] of cases) {
  test(`${what}: ${sharing.replaceAll('_', ' ')}`, () => assert.equal(sharingOf(text), sharing))
}
