import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { compileMapping, DELETED, MappingError, MetadataDraft, NOTHING, printJson, type World } from './index.ts'
import { parseBody } from './json/parse.ts'
import { utf8Text } from './text/bytes.ts'

/**
 * Recorded from the original's `blobl` command: mappings with a fault and the text that they are refused with, and mappings
 * with the results of several documents. Most came out of changing good mappings at random.
 */
const FOLDER = join(import.meta.dirname, '../../test/conformance/bloblang')

interface Case {
  readonly mapping: string
  readonly parse_error?: string
  readonly inputs?: readonly string[]
  readonly outputs?: readonly { readonly out?: string; readonly error?: string; readonly deleted?: true }[]
}

process.env['TZ'] = 'UTC'

const world: World = {
  now: () => 0n,
  random: () => 0,
  randomBytes: count => new Uint8Array(count),
  env: () => undefined,
  readFile: path => assert.fail(`no file is read here: ${path}`),
  hostname: () => 'localhost',
}

for (const name of ['language-parse', 'language-run']) {
  test(`recorded answers: ${name}`, () => {
    for (const line of readFileSync(join(FOLDER, `${name}.jsonl`), 'utf8').split('\n')) {
      if (line !== '') check(JSON.parse(line) as Case)
    }
  })
}

function check({ mapping: text, parse_error: fault, inputs = [], outputs = [] }: Case): void {
  const { mapping, diagnostics } = compileMapping(text, { world })
  assert.equal(diagnostics?.[0]?.excerpt, fault, text)
  if (mapping === undefined) return
  const draft = new MetadataDraft().reset(new Map())
  for (const [index, input] of inputs.entries()) {
    const body = Buffer.from(input)
    const view = { bytes: () => body, structured: () => parseBody(body), metadata: draft.current, error: null }
    assert.deepEqual(answer(), outputs[index], `${text}\nof ${input}`)

    function answer() {
      try {
        const result = mapping!.runCommand([view], draft, false)
        if (typeof result === 'string') return { out: result }
        if (result instanceof Uint8Array) return { out: utf8Text(result) }
        if (result === DELETED) return { out: '' }
        return { out: printJson(result === NOTHING ? view.structured() : result, { escapeHtml: true }) }
      } catch (error) {
        if (error instanceof MappingError) return { error: error.message }
        throw error
      }
    }
  }
}
