import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMapping } from '../../bloblang/index.ts'
import { Message, type Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import mutation from './processor.mutation.ts'

/** The result of a mutation for one document: its body, its metadata and its error. */
async function mutate(text: string, body: string): Promise<Outcome> {
  return (await mutateBatch(text, [body]))[0]!
}

interface Outcome {
  readonly body: string
  readonly document: unknown
  readonly meta: unknown
  readonly error: string | null
}

/** The same for several messages that form one batch. */
async function mutateBatch(text: string, bodies: readonly string[]): Promise<readonly Outcome[]> {
  const compiled = compileMapping(text, { host: systemHost })
  assert.ok(compiled.mapping)
  const fail = (message: Message, error: unknown) =>
    message.withError({ message: String(error), sourceLabel: null, sourcePath: null, sourceType: null })
  // all that a mutation needs from its environment
  const resources = { log: { error() {} }, fail } as unknown as Resources
  const processor = await mutation.create(compiled.mapping, resources)
  const [batch] = await processor.process(bodies.map(body => Message.fromText(body)))
  return batch!.map(message => ({
    body: message.text(),
    document: message.text() === '' ? null : message.structured(),
    meta: Object.fromEntries(message.metadata),
    error: message.error?.message ?? null,
  }))
}

test('`this` sees earlier assignments to the document', async () => {
  const { body } = await mutate('root.b = this.a + 1\nroot.c.d = this.b\nroot.e = this.c.d', '{"a":1}')
  assert.equal(body, '{"a":1,"b":2,"c":{"d":2},"e":2}')
})

test('a copy of `this` is not changed by later assignments', async () => {
  const { body } = await mutate('root.b = 1\nroot.copy = this\nroot.b = 2\nroot.copy.a = 3', '{"a":1}')
  assert.equal(body, '{"a":1,"b":2,"copy":{"a":3,"b":1}}')
})

test('`this` keeps the old document after the root is replaced', async () => {
  const { body } = await mutate('root.b = 2\nroot = {"new": this.b}\nroot.c = this.c\nroot.d = this.b', '{"a":1}')
  assert.equal(body, '{"c":null,"d":2,"new":2}')
})

test('assignments before a failure are kept, including metadata', async () => {
  const { body, meta, error } = await mutate('root.b = 2\nmeta m = "x"\nroot.c = this.a.uppercase()', '{"a":1}')
  assert.equal(body, '{"a":1,"b":2}')
  assert.deepEqual(meta, { m: 'x' })
  assert.match(error!, /^failed assignment \(line 3\): expected string value, got number from field `this\.a` \(1\)$/)
})

test('functions that read the message see the assignments made so far', async () => {
  const { body } = await mutate('root.b = 2\nroot.c = json("b")\nmeta m = "x"\nroot.d = meta("m")', '{"a":1}')
  assert.equal(body, '{"a":1,"b":2,"c":2,"d":"x"}')
})

test('the content is serialised on first use and kept', async () => {
  const { body } = await mutate('root.b = content().string()\nroot.c = content().length()', '{"z":0,"a": 1}')
  assert.equal(body, '{"a":1,"b":"{\\"a\\":1,\\"z\\":0}","c":13,"z":0}')
})

test('later messages of a batch see the changed ones', async () => {
  const outcomes = await mutateBatch('root.first = json("v").from(0)\nroot.v = 10', ['{"v":1}', '{"v":2}'])
  assert.deepEqual(
    outcomes.map(({ body }) => body),
    ['{"first":1,"v":10}', '{"first":10,"v":10}'],
  )
})

test('a dropped message is visible with the changes made to it', async () => {
  const text = 'root.v = 5\nroot.first = json("v").from(0)\nroot = if batch_index() == 0 { deleted() }'
  const outcomes = await mutateBatch(text, ['{"v":1}', '{"v":2}'])
  assert.deepEqual(
    outcomes.map(({ body }) => body),
    ['{"first":5,"v":5}'],
  )
})

test('the result of a failed mutation is a normal document', async () => {
  const { body, document } = await mutate(
    'root.b = 2\nroot.c = content().uppercase().number()',
    '{"n":{"z":{"y":[1]}}}',
  )
  assert.equal(body, '{"b":2,"n":{"z":{"y":[1]}}}')
  assert.deepEqual(document, { b: 2n, n: { z: { y: [1] } } })
})
