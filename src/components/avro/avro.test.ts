import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Message } from '../../engine/index.ts'
import { bodiesOf, errorsOf, processed } from '../processor.suite.ts'
import { scanned, scannerContract } from '../scanner.suite.ts'
import { AvroSchemaError, parseAvroSchema } from './schema.ts'
import { portOf } from '../../../test/servers/ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-avro-'))
after(() => rmSync(folder, { recursive: true }))

const identity = JSON.stringify({
  type: 'record',
  name: 'identity',
  namespace: 'foo.namespace.com',
  fields: [
    { name: 'Name', type: 'string' },
    {
      name: 'Address',
      type: [
        'null',
        {
          namespace: 'my.namespace.com',
          type: 'record',
          name: 'address',
          fields: [
            { name: 'City', type: 'string' },
            { name: 'State', type: 'string' },
          ],
        },
      ],
      default: null,
    },
  ],
})
const document = '{"Address":{"my.namespace.com.address":{"City":"foo","State":"bar"}},"Name":"foo"}'
const binary = '\u0006foo\u0002\u0006foo\u0006bar'

const avro = (operator: string, encoding: string, more: object = { schema: identity }) =>
  JSON.stringify({ avro: { operator, encoding, ...more } })
const recordOf = (type: unknown, more: object = {}) =>
  JSON.stringify({ type: 'record', name: 'R', fields: [{ name: 'v', type, ...more }] })

test('encodes and decodes all three formats', async () => {
  assert.deepEqual(
    await bodiesOf(avro('to_json', 'textual'), [
      '{"Name":"foo", "Address":{"my.namespace.com.address":{"City":"foo","State":"bar"}}}',
    ]),
    [document],
  )
  assert.deepEqual(await bodiesOf(avro('to_json', 'binary'), [binary]), [document])
  assert.deepEqual(await bodiesOf(avro('from_json', 'binary'), [document]), [binary])
  assert.deepEqual(await bodiesOf(avro('from_json', 'textual'), ['{"Name":"foo"}']), ['{"Name":"foo","Address":null}'])
  const [single] = await processed(avro('from_json', 'single', { schema: '"int"' }), ['3'])
  assert.equal(Buffer.from(single!.bytes).toString('hex'), 'c3018f5c393f1ad5757206')
  assert.deepEqual(await bodiesOf(avro('to_json', 'single', { schema: '"int"' }), [Message.fromBytes(single!.bytes)]), [
    '3',
  ])
})

test('a value of another schema is refused', async () => {
  const read = avro('to_json', 'single', { schema: '"int"' })
  const [wrong, none] = await processed(read, [Buffer.from('c3010000000000000000', 'hex'), Buffer.from('06', 'hex')])
  assert.match(wrong!.error!, /wrong codec: 0$/)
  assert.match(none!.error!, /cannot decode buffer as single-object encoding/)
})

test('a schema comes from a file or by HTTP', async () => {
  const file = join(folder, 'schema.avsc')
  writeFileSync(file, identity)
  assert.deepEqual(await bodiesOf(avro('to_json', 'binary', { schema_path: `file://${file}` }), [binary]), [document])
  const server = createServer((_, response) => response.end(identity))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const port = portOf(server)
    assert.deepEqual(
      await bodiesOf(avro('to_json', 'binary', { schema_path: `http://127.0.0.1:${port}/s` }), [binary]),
      [document],
    )
  } finally {
    server.close()
  }
  const fails = async (more: object, reason: RegExp) =>
    await assert.rejects(processed(avro('to_json', 'binary', more), ['']), reason)
  await fails({}, /a schema must be specified with either the `schema` or `schema_path` fields/)
  await fails({ schema_path: 'x' }, /invalid schema_path provided, must start with file:\/\/ or http:\/\//)
  await fails({ schema_path: `file://${folder}/none` }, /failed to load Avro schema definition: .*no such file/)
  await fails({ schema: '{"type":"recor"}' }, /failed to parse schema: unknown type name: "recor"/)
})

test('logical types are converted both ways', async () => {
  const cases: readonly (readonly [type: object, document: string])[] = [
    [{ type: 'int', logicalType: 'date' }, '"2020-02-29T00:00:00Z"'],
    [{ type: 'long', logicalType: 'timestamp-millis' }, '"2020-09-13T12:26:40.123Z"'],
    [{ type: 'long', logicalType: 'timestamp-micros' }, '"1969-12-31T23:59:59.999999Z"'],
    [{ type: 'bytes', logicalType: 'decimal', precision: 6, scale: 2 }, '"201/50"'],
    [{ type: 'fixed', name: 'F', size: 4, logicalType: 'decimal', precision: 6, scale: 1 }, '"-5"'],
    [{ type: 'string', logicalType: 'uuid' }, '"a"'],
  ]
  for (const [type, value] of cases) {
    const schema = recordOf(type)
    const config = `try: [ ${avro('from_json', 'binary', { schema })}, ${avro('to_json', 'binary', { schema })} ]`
    assert.deepEqual(await bodiesOf(config, [`{"v":${value}}`]), [`{"v":${value}}`])
  }
  // Numbers are in the unit of the type.
  const schema = recordOf({ type: 'int', logicalType: 'time-millis' })
  const config = `try: [ ${avro('from_json', 'binary', { schema })}, ${avro('to_json', 'binary', { schema })} ]`
  assert.deepEqual(await bodiesOf(config, ['{"v":5}']), ['{"v":5000000}'])
})

test('long integers survive', async () => {
  const schema = recordOf('long')
  const config = `try: [ ${avro('from_json', 'binary', { schema })}, ${avro('to_json', 'binary', { schema })} ]`
  const documents = [
    '{"v":9223372036854775807}',
    '{"v":-9223372036854775808}',
    '{"v":9007199254740993}',
    '{"v":-4503599627370497}',
  ]
  assert.deepEqual(await bodiesOf(config, documents), documents)
})

test('a message that does not fit the schema is flagged and unchanged', async () => {
  assert.deepEqual(await errorsOf(avro('from_json', 'binary'), ['{"Name":5}', '{}', 'nope']), [
    'failed to convert JSON to Avro schema: cannot encode binary record "foo.namespace.com.identity" field "Name": value does not match its schema: cannot encode binary bytes: expected: string; received: number',
    'failed to convert JSON to Avro schema: cannot encode binary record "foo.namespace.com.identity" field "Name": schema does not specify default value and no value provided',
    "failed to parse message as JSON: invalid character 'o' in literal null (expecting 'u')",
  ])
  assert.deepEqual(await errorsOf(avro('to_json', 'binary'), ['\u0006fo']), [
    'failed to convert Avro document to JSON: cannot decode binary record "foo.namespace.com.identity" field "Name": cannot decode binary string: short buffer',
  ])
})

test('forged lengths and depths are refused', async () => {
  const read = async (type: unknown, hex: string) => {
    const [outcome] = await processed(avro('to_json', 'binary', { schema: recordOf(type) }), [Buffer.from(hex, 'hex')])
    return outcome!.error ?? outcome!.text
  }
  const huge = 'feffffffffffffff7f'
  assert.match(await read('string', huge), /short buffer|out of range/)
  assert.match(await read('bytes', '8080808010'), /cannot decode binary bytes: short buffer/)
  assert.match(await read('bytes', '01'), /negative size: -1/)
  assert.match(await read({ type: 'array', items: 'null' }, '8094ebdc03'), /more than 100000 items without a byte/)
  assert.match(await read({ type: 'array', items: 'int' }, '8094ebdc03'), /short buffer/)
  assert.match(await read({ type: 'map', values: 'int' }, '8094ebdc03'), /short buffer/)
  assert.match(await read(['null', 'int'], '08'), /index ought to be between 0 and 1; read index: 4/)
  assert.match(await read('long', 'ffffffffffffffffffffff01'), /more than 64 bits/)
  const list = JSON.stringify({ type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] })
  const [deep] = await processed(avro('to_json', 'binary', { schema: list }), [Buffer.alloc(100_000, 2)])
  assert.match(deep!.error!, /values nested more than 500 levels deep/)
  const nested = `${'{"next":{"L":'.repeat(3000)}null${'}}'.repeat(3000)}`
  const [error] = await errorsOf(avro('from_json', 'binary', { schema: list }), [nested])
  assert.match(error!, /nested more than 500 levels deep|too deep/)
})

test('an invalid schema is refused with the reason', () => {
  const faults: readonly (readonly [schema: string, reason: string])[] = [
    ['{', 'cannot unmarshal schema JSON: '],
    ['[]', 'Union ought to have one or more members'],
    ['["int","int"]', 'Union item 2 ought to be unique type: int'],
    ['{"type":"record","name":"1"}', 'Record ought to have valid name: schema name ought to start with [A-Za-z_]: 1'],
    ['{"type":"record","name":"r"}', 'Record "r" ought to have fields key'],
    ['{"type":"array"}', 'Array ought to have items key'],
    ['{"type":"fixed","name":"f","size":0}', 'Fixed "f" size ought to be number greater than zero: 0'],
    ['{"type":"enum","name":"e","symbols":[]}', 'Enum "e" symbols ought to be non-empty array of strings: []'],
    [`${'['.repeat(300)}"int"${']'.repeat(300)}`, 'Union item 1 ought to be valid Avro type'],
  ]
  for (const [schema, reason] of faults) {
    assert.throws(
      () => parseAvroSchema(schema),
      (error: Error) => error instanceof AvroSchemaError && error.message.startsWith(reason),
      schema,
    )
  }
})

// Five records, two per block, as written by fastavro.
const containers: Readonly<Record<string, string>> = {
  none: [
    'T2JqAQQUYXZyby5jb2RlYwhudWxsFmF2cm8uc2NoZW1h8gN7InR5cGUiOiAicmVjb3JkIiwgIm5hbWUiOiAiUiIsICJuYW1lc3BhY2UiOiAibi',
    'IsICJmaWVsZHMiOiBbeyJuYW1lIjogImlkIiwgInR5cGUiOiAibG9uZyJ9LCB7Im5hbWUiOiAidGFnIiwgInR5cGUiOiBbIm51bGwiLCAic3Ry',
    'aW5nIl19LCB7Im5hbWUiOiAicmF3IiwgInR5cGUiOiAiYnl0ZXMifSwgeyJuYW1lIjogImF0IiwgInR5cGUiOiB7InR5cGUiOiAibG9uZyIsIC',
    'Jsb2dpY2FsVHlwZSI6ICJ0aW1lc3RhbXAtbWlsbGlzIn19XX0AMDEyMzQ1Njc4OWFiY2RlZgZaAAIKdDAvw6kEAP+AgPT2kF0CAAQB/4KA9PaQ',
    'XQQCCnQyL8OpBAL/hID09pBdMDEyMzQ1Njc4OWFiY2RlZgQ4BgAEA/+GgPT2kF0IAgp0NC/DqQQE/4iA9PaQXTAxMjM0NTY3ODlhYmNkZWY=',
  ].join(''),
  deflate: [
    'T2JqAQQUYXZyby5jb2RlYw5kZWZsYXRlFmF2cm8uc2NoZW1h8gN7InR5cGUiOiAicmVjb3JkIiwgIm5hbWUiOiAiUiIsICJuYW1lc3BhY2UiOi',
    'AibiIsICJmaWVsZHMiOiBbeyJuYW1lIjogImlkIiwgInR5cGUiOiAibG9uZyJ9LCB7Im5hbWUiOiAidGFnIiwgInR5cGUiOiBbIm51bGwiLCAi',
    'c3RyaW5nIl19LCB7Im5hbWUiOiAicmF3IiwgInR5cGUiOiAiYnl0ZXMifSwgeyJuYW1lIjogImF0IiwgInR5cGUiOiB7InR5cGUiOiAibG9uZy',
    'IsICJsb2dpY2FsVHlwZSI6ICJ0aW1lc3RhbXAtbWlsbGlzIn19XX0AMDEyMzQ1Njc4OWFiY2RlZgZSY2DiKjHQP7ySheF/Q8OXbxNimRhYGP83',
    'gZksQDkjkBzT/xawAACPhRMwMTIzNDU2Nzg5YWJjZGVmBDxjY2Bh/t/W8OXbhFgOJq4SE/3DK1lY/neABQCZZAwwMTIzNDU2Nzg5YWJjZGVm',
  ].join(''),
  snappy: [
    'T2JqAQQUYXZyby5jb2RlYwxzbmFwcHkWYXZyby5zY2hlbWHyA3sidHlwZSI6ICJyZWNvcmQiLCAibmFtZSI6ICJSIiwgIm5hbWVzcGFjZSI6IC',
    'JuIiwgImZpZWxkcyI6IFt7Im5hbWUiOiAiaWQiLCAidHlwZSI6ICJsb25nIn0sIHsibmFtZSI6ICJ0YWciLCAidHlwZSI6IFsibnVsbCIsICJz',
    'dHJpbmciXX0sIHsibmFtZSI6ICJyYXciLCAidHlwZSI6ICJieXRlcyJ9LCB7Im5hbWUiOiAiYXQiLCAidHlwZSI6IHsidHlwZSI6ICJsb25nIi',
    'wgImxvZ2ljYWxUeXBlIjogInRpbWVzdGFtcC1taWxsaXMifX1dfQAwMTIzNDU2Nzg5YWJjZGVmBmItWAACCnQwL8OpBAD/gID09pBdAgAEAf+C',
    'BQtABAIKdDIvw6kEAv+EgPT2kF1EDhPbMDEyMzQ1Njc4OWFiY2RlZgREHGwGAAQD/4aA9PaQXQgCCnQ0L8OpBAT/iID09pBdHdYhtDAxMjM0NT',
    'Y3ODlhYmNkZWY=',
  ].join(''),
}

/** The contents of the containers, as plain JSON and as Avro JSON. */
const plainTexts = [0, 1, 2, 3, 4].map(
  id =>
    `{"id":${id},"tag":${id % 2 === 1 ? 'null' : `"t${id}/é"`},"raw":"\\u000${id}\\u00FF","at":${1_600_000_000_000 + id}}`,
)
const ownTexts = plainTexts.map(text => text.replace(/"tag":("[^"]*")/, '"tag":{"string":$1}'))

test('reads container files, compressed or not, in chunks of any size', async () => {
  for (const [codec, base64] of Object.entries(containers)) {
    const file = Buffer.from(base64, 'base64')
    for (const size of [1, 7, 64, 10_000]) {
      assert.deepEqual(await scanned('avro: {}', file, size), { texts: ownTexts, error: null }, codec)
    }
    assert.deepEqual(await scanned('avro: { raw_json: true }', file, 64), { texts: plainTexts, error: null }, codec)
  }
})

scannerContract('avro', {
  config: 'avro: {}',
  bytes: Buffer.from(containers['none']!, 'base64'),
  bodies: ownTexts,
  empty: /./,
  broken: {
    bytes: Buffer.concat([Buffer.from(containers['none']!, 'base64'), Buffer.of(2)]),
    bodies: ownTexts,
    error: /./,
  },
})

test('a corrupt container file delivers the records before the error', async () => {
  const file = Buffer.from(containers['none']!, 'base64')
  const cut = await scanned('avro: {}', file.subarray(0, file.length - 20), 64)
  assert.match(cut.error!, /cannot read (?:block|sync marker): unexpected EOF/)
  assert.ok(cut.texts.length > 0)
  const marker = Buffer.from(file)
  marker[marker.length - 1] = 0
  assert.match((await scanned('avro: {}', marker, 64)).error!, /sync marker mismatch/)
  assert.match(
    (await scanned('avro: {}', Buffer.from('nothing'), 64)).error!,
    /cannot read OCF header with invalid magic bytes/,
  )
  assert.match(
    (await scanned('avro: {}', Buffer.from('Obj\u0001\u00ff\u00ff\u00ff\u00ff', 'latin1'), 64)).error!,
    /unexpected EOF|too large/,
  )
  const snappy = Buffer.from(containers['snappy']!, 'base64')
  snappy[snappy.length - 17]! ^= 1
  assert.match((await scanned('avro: {}', snappy, 64)).error!, /snappy CRC32 checksum mismatch/)
})
