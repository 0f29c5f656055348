import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { BodyView, compileMapping, DELETED, MappingError, NOTHING, printJson } from '../../src/bloblang/index.ts'
import { fileImporter, systemHost } from '../../src/host/index.ts'

// Mappings with the original's output from its `blobl` command, which receives each input as one line.
interface Case {
  readonly mapping: string
  readonly input?: string
  readonly output?: string
  readonly error?: string
  readonly parse_error?: string
}

process.env['TZ'] = 'UTC'
const folder = join(import.meta.dirname, 'bloblang')
for (const file of globSync('*.jsonl', { cwd: folder })) {
  test(`mappings of ${basename(file, '.jsonl')} behave like the original`, () => {
    const problems: string[] = []
    const lines = readFileSync(join(folder, file), 'utf8').split('\n')
    for (const line of lines) {
      if (line === '') continue
      const recorded: Case = JSON.parse(line)
      const got = run(recorded)
      const expected = recorded.parse_error ?? recorded.error ?? recorded.output
      if (got !== expected) {
        problems.push(
          `${JSON.stringify(recorded.mapping)} on ${recorded.input ?? ''}\n  expected ${expected ?? ''}\n  got      ${got}`,
        )
      }
    }
    assert.equal(
      problems.length,
      0,
      `${problems.length} of ${lines.length} differ:\n${problems.slice(0, 20).join('\n')}`,
    )
  })
}

function run({ mapping: text, input = '' }: Case): string {
  const { mapping, diagnostics } = compileMapping(text, { host: systemHost, importer: fileImporter('/nowhere') })
  if (mapping === undefined) return diagnostics[0]!.excerpt.replaceAll('/nowhere/', '')
  const message = new BodyView().setText(input)
  try {
    const result = mapping.runCommand([message], message.draft, false)
    if (result === DELETED) return ''
    if (typeof result === 'string') return result
    if (result instanceof Uint8Array) return Buffer.from(result).toString('utf8')
    return result === NOTHING ? unchanged(message, input) : printJson(result, { escapeHtml: true })
  } catch (error) {
    if (error instanceof MappingError) return error.message
    throw error
  }
}

/** The body unchanged, or in the form of all other results if it is a document. */
function unchanged(message: BodyView, input: string): string {
  try {
    return printJson(message.structured(), { escapeHtml: true })
  } catch {
    return input
  }
}
