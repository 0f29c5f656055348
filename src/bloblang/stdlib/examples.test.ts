import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import {
  compileMapping,
  DELETED,
  MappingError,
  MetadataDraft,
  type MessageView,
  NOTHING,
  parseBody,
  printJson,
  utf8Bytes,
  utf8Text,
  type Value,
} from '../index.ts'
import { FUNCTIONS, METHODS } from './registry.gen.ts'
import type { Example, World } from './spec.ts'

// Every function and method is tested by the examples of its own file.
const world: World = {
  now: () => BigInt(Date.now()) * 1_000_000n,
  random: () => Math.random(),
  randomBytes: count => randomBytes(count),
  env: name => (name === 'HOME' ? '/home/penstock' : undefined),
  readFile: path => {
    if (path.endsWith('.json')) return utf8Bytes('{"foo":"bar"}')
    throw new Error(`open ${path}: no such file or directory`)
  },
  hostname: () => 'host',
}

for (const spec of [...FUNCTIONS.values(), ...METHODS.values()]) {
  for (const [index, example] of spec.examples.entries()) {
    test(`${spec.name}: example ${index + 1}`, () => {
      runExample(example)
    })
  }
}

function runExample([text, input, output]: Example): void {
  const { mapping, diagnostics } = compileMapping(text, { world })
  if (mapping === undefined) {
    assert.ok(typeof output === 'object' && diagnostics[0]!.message === output.error, diagnostics[0]!.text)
    return
  }
  const message = new ExampleMessage(input)
  let result: Value
  try {
    result = mapping.run([message], 0, new MetadataDraft())
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    assert.deepEqual({ error: error.message }, output)
    return
  }
  if (result === DELETED) assert.equal('deleted', output)
  else if (typeof result === 'string') assert.equal(result, output)
  else if (result instanceof Uint8Array) assert.equal(utf8Text(result), output)
  else assert.equal(result === NOTHING ? input : printJson(result), output)
}

class ExampleMessage implements MessageView {
  readonly metadata: ReadonlyMap<string, Value> = new Map()
  readonly error = null
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  bytes(): Uint8Array {
    return utf8Bytes(this.#text)
  }

  structured(): Value {
    return parseBody(this.#text)
  }
}
