import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ConfigError, type Message } from '../../engine/index.ts'
import { runCollecting } from '../collecting.suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-codec-'))
after(() => rmSync(folder, { recursive: true }))

const names: Readonly<Record<string, string | Uint8Array>> = {
  'a.txt': 'one\ntwo\n\nthree',
  'a.csv': 'h,i\n1,2\n3\n4,5\n',
  'a.csv.gz': gzipSync('h;i\n1;2\n'),
  'bom.txt': '\uFEFFone\n',
}
for (const [name, content] of Object.entries(names)) writeFileSync(join(folder, name), content)

/**
 * The result of reading a file: the messages of each batch joined by `|`, and their metadata except for that of files.
 */
async function read(name: string, codec: string, more = ''): Promise<readonly string[]> {
  const batches: string[] = []
  const file = `{ paths: [ '${join(folder, name)}' ], codec: '${codec}'${more} }`
  await runCollecting(`input: { file: ${file} }\noutput: { collect: {} }\n`, batch => {
    batches.push(batch.map(told).join('|'))
  })
  return batches
}

function told(message: Message): string {
  const own = [...message.metadata].filter(([key]) => !/^(path|mod_time)/.test(key))
  return own.length === 0
    ? message.text()
    : `${message.text()} ${own.map(([key, value]) => `${key}=${String(value)}`).join(' ')}`
}

const cases: readonly (readonly [name: string, codec: string, batches: readonly string[]])[] = [
  ['a.txt', 'lines', ['one', 'two', '', 'three']],
  ['a.txt', 'delim:o', ['', 'ne\ntw', '\n\nthree']],
  ['a.txt', 'all-bytes', ['one\ntwo\n\nthree']],
  ['a.txt', 'chunker:8', ['one\ntwo\n', '\nthree']],
  ['a.txt', 'regex:t', ['one\n', 'two\n\n', 'three']],
  ['a.txt', 'lines/multipart', ['one|two', 'three']],
  ['bom.txt', 'skipbom/lines', ['one']],
  ['a.csv.gz', 'gzip/csv:;', ['{"h":"1","i":"2"}']],
  ['a.txt', 'auto', ['one\ntwo\n\nthree']],
  [
    'a.csv',
    'csv-safe',
    [
      '{"h":"1","i":"2"} row_number=2 row_empty=false',
      '{} row_number=3 row_empty=false row_parse_error=record on line 3: wrong number of fields',
      '{"h":"4","i":"5"} row_number=4 row_empty=false',
    ],
  ],
  // Reading stops at the row that is too short.
  ['a.csv', 'auto', ['{"h":"1","i":"2"}']],
]

for (const [name, codec, batches] of cases) {
  test(`the codec ${codec} of older configurations splits ${name}`, async () => {
    assert.deepEqual(await read(name, codec), batches)
  })
}

test('a line of max_buffer bytes or more is too long for a codec', async () => {
  assert.deepEqual(await read('a.txt', 'lines', ', max_buffer: 5'), ['one', 'two', ''])
})

for (const [codec, reason] of [
  ['nope', 'codec was not recognised: nope'],
  ['gzip', 'codec was not recognised: [gzip]'],
  ['lines/csv', "unable to follow codec 'lines' with 'csv'"],
  ['delim:', 'custom delimiter codec requires a non-empty delimiter'],
  ['csv:ab', 'csv codec requires a single character delimiter'],
  ['chunker:x', 'invalid chunk size for chunker codec'],
] as const) {
  test(`the codec ${codec} is refused at start`, async () => {
    await assert.rejects(read('a.txt', codec), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.ok(error.message.includes(reason), error.message)
      return true
    })
  })
}
