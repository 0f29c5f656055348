// Conversions between random documents and binary values, recorded from goavro, which the original uses.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseJson, printJson, type Value } from '../../src/bloblang/index.ts'
import { AvroError, Cursor } from '../../src/components/avro/cursor.ts'
import { printer } from '../../src/components/avro/print.ts'
import { reader } from '../../src/components/avro/read.ts'
import { AvroSchemaError, parseAvroSchema } from '../../src/components/avro/schema.ts'
import { writer } from '../../src/components/avro/write.ts'
import { Output } from '../../src/components/protobuf/output.ts'

interface Case {
  readonly schema: unknown
  /** Whether union values are written without their type. */
  readonly plain?: boolean
  readonly from?: string
  /** Bytes in hex. */
  readonly hex?: string
  readonly to?: string
  readonly json?: string
  /** Whether the result is a plain document, as from `to_json`, rather than Avro JSON. */
  readonly document?: boolean
  readonly fails?: boolean
}

const cases = readFileSync(join(import.meta.dirname, 'avro/cases.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line))

test('values convert as in the original or fail with its error', () => {
  for (const each of cases) {
    const name = JSON.stringify(each)
    if (each.fails === true)
      assert.throws(
        () => converted(each),
        (error: Error) => isKnown(error),
        name,
      )
    else if (each.hex === undefined) assert.deepEqual(JSON.parse(converted(each)), JSON.parse(each.json ?? ''), name)
    else assert.equal(converted(each), each.hex, name)
  }
})

function isKnown(error: Error): boolean {
  return (
    error instanceof AvroError ||
    error instanceof AvroSchemaError ||
    /invalid character|unexpected end/.test(error.message)
  )
}

function converted({ schema, plain: isPlain = false, from, to = '', document }: Case): string {
  const type = parseAvroSchema(JSON.stringify(schema))
  const output = new Output()
  if (from !== undefined) {
    writer(type, { isTextual: true, isPlain, isStrict: true })(parseJson(from), output, 0)
    return Buffer.from(output.take()).toString('hex')
  }
  const cursor = new Cursor()
  cursor.use(Buffer.from(to, 'hex'))
  if (document === true) {
    const value: Value = reader(type)(cursor, 0)
    return printJson(value)
  }
  printer(type, isPlain)(cursor, output, 0)
  return Buffer.from(output.take()).toString('utf8')
}
