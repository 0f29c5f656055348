import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { compileMapping, MappingError, MetadataDraft, type World } from '../index.ts'
import { parseDocument } from '../json/parse.ts'
import { printJson } from '../json/print.ts'

/** Recorded from the original, with the local zone UTC: one mapping, one document in, one document out a line. */
const FOLDER = join(import.meta.dirname, '../../../test/conformance/bloblang')

interface Case {
  readonly mapping: string
  readonly input: string
  readonly output: string
}

// Numbers as timestamps are shown in the local zone, and these were recorded in UTC.
process.env['TZ'] = 'UTC'

const world: World = {
  now: () => 0n,
  random: () => 0,
  randomBytes: count => new Uint8Array(count),
  env: () => undefined,
  readFile: path => assert.fail(`no file is read here: ${path}`),
  hostname: () => 'localhost',
}

for (const file of globSync(join(FOLDER, 'data-*.jsonl')).toSorted()) {
  test(`recorded answers: ${basename(file, '.jsonl')}`, () => {
    const failures = readFileSync(file, 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => check(JSON.parse(line) as Case))
      .filter(failure => failure !== null)
    assert.deepEqual(failures, [])
  })
}

const compiled = new Map<string, ReturnType<typeof compileMapping>>()

function check({ mapping, input, output }: Case): string | null {
  let result = compiled.get(mapping)
  if (result === undefined) {
    result = compileMapping(mapping, { world })
    compiled.set(mapping, result)
  }
  if (result.mapping === undefined) return `${mapping}: is not accepted`
  const body = Buffer.from(input)
  const view = { bytes: () => body, structured: () => parseDocument(body), metadata: new Map(), error: null }
  try {
    const answer = result.mapping.runCommand([view], new MetadataDraft().reset(new Map()), false)
    const text = printJson(answer, { escapeHtml: true })
    return text === output ? null : `${mapping} of ${input}: expected ${output}, got ${text}`
  } catch (error) {
    if (error instanceof MappingError) return `${mapping} of ${input}: expected ${output}, got ${error.message}`
    throw error
  }
}
