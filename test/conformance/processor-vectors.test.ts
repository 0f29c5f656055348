// Runs reference cases for processors that are stored next to the checkout, if there are any.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { processed } from '../../src/components/processor.suite.ts'
import { Message } from '../../src/engine/index.ts'

const file = join(import.meta.dirname, '../../../shared/vectors/processors_go.jsonl')

interface Part {
  /** A text, or a call of Go's `Sprintf` that produces it from the current year. */
  readonly content?: string | { readonly args: readonly [format: string] }
  readonly meta?: Readonly<Record<string, string>>
  readonly error?: string
}

interface Vector {
  readonly id: string
  readonly config?: object
  readonly processor?: string
  readonly config_yaml?: string
  readonly batch: readonly Part[]
  readonly expect?: readonly Part[]
  /** Whether results are compared as documents. */
  readonly json?: boolean
  readonly error_contains?: string
  readonly build_error_contains?: string
}

/** Why a case is skipped. */
function reasonToSkip({ id, config = {} }: Vector): string | undefined {
  if ('python' in config) return 'the interpreter of the original is a WebAssembly blob that is not published'
  return id === 'go/processor_jq_test/TestJQ/invalid type'
    ? 'times are texts for jq here; the original refuses them'
    : undefined
}

const vectors = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line): Vector => JSON.parse(line))
  : []

test('reference cases exist', { skip: vectors.length === 0 ? 'none beside this checkout' : false }, () => {
  assert.ok(vectors.length > 50)
})

for (const vector of vectors) {
  test(vector.id, { skip: reasonToSkip(vector) ?? false }, async () => {
    const run = () => processed(configOf(vector), vector.batch.map(messageOf), { asBatch: true })
    if (vector.build_error_contains !== undefined) {
      const { build_error_contains: part } = vector
      await assert.rejects(run(), (error: Error) => error.message.includes(part))
      return
    }
    const outcomes = await run()
    if (vector.error_contains !== undefined) {
      assert.ok(outcomes[0]?.error?.includes(vector.error_contains), outcomes[0]?.error ?? 'no error')
      return
    }
    const { expect = [], json } = vector
    assert.equal(outcomes.length, expect.length)
    for (const [index, { content: wanted = '', meta = {}, error }] of expect.entries()) {
      const outcome = outcomes[index]!
      const content = textOf(wanted)
      if (json === true) assert.deepEqual(JSON.parse(outcome.text), JSON.parse(content))
      else assert.equal(outcome.text, content)
      if (error !== undefined) assert.equal(outcome.error, error)
      for (const [key, value] of Object.entries(meta)) assert.equal(String(outcome.metadata[key]), value)
    }
  })
}

function configOf({ config, processor, config_yaml: yaml }: Vector): string {
  if (config !== undefined) return JSON.stringify(config)
  const lines = (yaml ?? '').trim().split('\n')
  return [`${processor}:`, ...lines.map(line => `  ${line}`)].join('\n')
}

function messageOf({ content = '', meta = {}, error }: Part): Message {
  const body = Message.fromText(textOf(content))
  const message = Object.entries(meta).reduce((each, [key, value]) => each.withMeta(key, value), body)
  return error === undefined
    ? message
    : message.withError({ message: error, sourceLabel: '', sourcePath: '', sourceType: '' })
}

function textOf(content: Part['content'] & {}): string {
  return typeof content === 'string' ? content : content.args[0].replace('%v', String(new Date().getUTCFullYear()))
}
