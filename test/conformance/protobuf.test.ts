// Conversions between documents and messages, recorded from Go's protojson, which the original uses, with random input
// of both kinds.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { processed } from '../../src/components/processor.suite.ts'

const folder = join(import.meta.dirname, 'protobuf')

interface Case {
  readonly message: string
  /** A document, and the bytes (in hex) of a message equal to the one it converts to. */
  readonly from?: string
  readonly hex?: string
  readonly discard?: boolean
  /** The bytes of a message, and the document it converts to. */
  readonly to?: string
  readonly json?: string
  readonly emit?: boolean
  readonly names?: boolean
  readonly error?: string
}

const cases = readFileSync(join(folder, 'cases.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line))

/** Groups cases that run with the same configuration. */
function grouped(chosen: readonly Case[]): ReadonlyMap<string, readonly Case[]> {
  return Map.groupBy(chosen, ({ message, discard = false, emit = false, names = false }) =>
    JSON.stringify({
      message,
      import_paths: [join(folder, message === 'x.y.All' ? 'all.proto' : 'two.proto')],
      discard_unknown: discard,
      emit_unpopulated: emit,
      use_proto_names: names,
    }),
  )
}

async function converted(operator: string, settings: string, inputs: readonly Uint8Array[]) {
  const outcomes = await processed(JSON.stringify({ protobuf: { operator, ...JSON.parse(settings) } }), inputs)
  assert.equal(outcomes.length, inputs.length)
  return outcomes
}

test('messages decode to the documents of the original or fail with its error', async () => {
  for (const [settings, group] of grouped(cases.filter(({ to }) => to !== undefined))) {
    const outcomes = await converted(
      'to_json',
      settings,
      group.map(({ to }) => hexBytes(to)),
    )
    for (const [index, { error, text }] of outcomes.entries()) {
      const each = group[index]!
      if (each.error === undefined) assert.deepEqual([text, error], [each.json, null], each.to ?? '')
      else
        assert.equal(
          error?.replace(/^failed to unmarshal (?:JSON )?protobuf message '[\w.]+': /, ''),
          each.error,
          each.to ?? '',
        )
    }
  }
})

test('documents encode to the messages of the original or fail with its error', async () => {
  for (const [settings, group] of grouped(cases.filter(({ from }) => from !== undefined))) {
    const outcomes = await converted(
      'from_json',
      settings,
      group.map(({ from }) => Buffer.from(from ?? '')),
    )
    const good: { readonly each: Case; readonly bytes: Uint8Array }[] = []
    for (const [index, { error, bytes }] of outcomes.entries()) {
      const each = group[index]!
      assert.equal(error?.replace(/^failed to unmarshal JSON message '[\w.]+': /, ''), each.error, each.from ?? '')
      if (error === null) good.push({ each, bytes })
    }
    // The fields of a message may be in any order, so both are converted back and the documents compared.
    const ours = await converted(
      'to_json',
      settings,
      good.map(({ bytes }) => bytes),
    )
    const theirs = await converted(
      'to_json',
      settings,
      good.map(({ each }) => hexBytes(each.hex)),
    )
    for (const [index, { each }] of good.entries()) {
      assert.equal(good[index]!.bytes.length, each.hex!.length / 2, each.from ?? '')
      assert.equal(ours[index]!.text, theirs[index]!.text, each.from ?? '')
    }
  }
})

function hexBytes(text = ''): Uint8Array {
  return Buffer.from(text, 'hex')
}
