import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BodyView,
  compileMapping,
  DELETED,
  MappingError,
  NOTHING,
  printJson,
  utf8Bytes,
  utf8Text,
  type Value,
} from '../index.ts'
import { inertHost } from '../inert-host.ts'
import { FUNCTIONS, METHODS } from './registry.gen.ts'
import type { Example, Host } from './spec.ts'

// Every function and method is tested by the examples in its file.
const host: Host = {
  ...inertHost,
  now: () => 1_700_000_000_000_000_000n,
  env: name => (name === 'HOME' ? '/home/penstock' : undefined),
  readFile: path => (path.endsWith('.json') ? utf8Bytes('{"foo":"bar"}') : inertHost.readFile(path)),
}

for (const spec of [...FUNCTIONS.values(), ...METHODS.values()]) {
  for (const [index, example] of spec.examples.entries()) {
    test(`${spec.name}: example ${index + 1}`, () => {
      runExample(example)
    })
  }
}

function runExample([text, input, output]: Example): void {
  const { mapping, diagnostics } = compileMapping(text, { host })
  if (mapping === undefined) {
    assert.ok(typeof output === 'object' && diagnostics[0]!.message === output.error, diagnostics[0]!.text)
    return
  }
  const message = new BodyView().setText(input)
  let result: Value
  try {
    result = mapping.run([message], 0, message.draft)
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
