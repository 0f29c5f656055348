import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lintConfig } from '../../engine/index.ts'
import { createRegistry } from '../index.ts'
import { systemHost } from '../../host/index.ts'

const lint = async (text: string) => {
  const findings = await lintConfig(text, { registry: createRegistry(), host: systemHost })
  return findings.map(({ line, text: message }) => `${line}: ${message}`)
}

test('a correct configuration has no findings', async () => {
  assert.deepEqual(await lint('input: { stdin: {} }\npipeline:\n  processors:\n    - mapping: root = this\n'), [])
})

test('unknown and missing fields are reported with their lines, at any depth', async () => {
  const text = `input:
  generate:
    intervall: 1s
pipeline:
  processors:
    - switch:
        - chek: true
          processors: [ { log: { mesage: x } } ]
`
  assert.deepEqual(await lint(text), [
    '3: field intervall not recognised',
    '3: field mapping is required',
    '7: field chek not recognised',
    '8: field mesage not recognised',
  ])
})

test('an unknown component is the only finding', async () => {
  assert.deepEqual(await lint('input: { stdin: {}, labell: x }\noutput:\n  kafkaa: {}\n'), [
    '3: unable to infer output type from candidates: [kafkaa]',
  ])
})

test('processors of an input or output are checked like those of the pipeline', async () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [
      'input: { stdin: {}, label: [], processors: [ { foo: {} } ] }',
      ['1: unable to infer processor type from candidates: [foo]'],
    ],
    [
      'output_resources: [ { label: a, drop: {}, processors: [ { log: {}, noop: {} } ] } ]',
      ["1: unable to infer processor type, multiple candidates 'log' and 'noop'"],
    ],
    ['output: { drop: {}, processors: [ noop ] }', ['1: invalid type !!str, expected object']],
    ['output: { drop: {}, processors: { a: { noop: {} } } }', ['1: invalid type !!str, expected object']],
    [
      'input: { stdin: {}, processors: }',
      ['1: field processors is empty and can be removed', '1: expected array value'],
    ],
    [
      'input: { broker: { inputs: [ { stdin: {}, processors: [ { foo: {} } ] } ] } }',
      ['1: unable to infer component type'],
    ],
  ]
  for (const [text, findings] of cases) assert.deepEqual(await lint(text), findings, text)
})

test('rules across fields and on map values are those of the original', async () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    [
      'pipeline: { processors: [ { protobuf: { operator: to_json, message: a } } ] }',
      ['1: at least one of `import_paths`and `bsr` must be set'],
    ],
    ['pipeline: { processors: [ { protobuf: { operator: to_json, message: a, import_paths: [] } } ] }', []],
    [
      'input: { http_client: { url: a, oauth2: { endpoint_params: { a: 5, b: [ x, true ], c: [ y ] } } } }',
      [
        '1: field must be an object containing arrays of strings, got 5 (number)',
        '1: field values must be strings, got true (bool)',
      ],
    ],
    [
      'cache_resources: [ { label: a, sql: { driver: abc, dsn: d, table: t, key_column: k, value_column: v } } ]',
      ['1: value abc is not a valid option for this field'],
    ],
    ['input: { file: { paths: [ a ], scanner: [ lines ] } }', ['1: unable to infer component type']],
  ]
  for (const [text, findings] of cases) assert.deepEqual(await lint(text), findings, text)
})

test('an unsupported feature is reported in addition to other errors', async () => {
  assert.deepEqual(await lint('output:\n  couchbase:\n    bucket: b\n    pathh: x\n'), [
    "2: output 'couchbase' is known but not supported by Penstock yet",
    '4: field pathh not recognised',
    '3: field url is required',
    '3: field id is required',
  ])
  const sql = 'output:\n  sql_raw:\n    driver: spanner\n    dsn: x\n    query: SELECT 1\n'
  assert.deepEqual(await lint(sql), ["3: SQL driver 'spanner' is known but not supported by Penstock yet"])
  const native = sql.replace('spanner', 'clickhouse').replace('dsn: x', 'dsn: clickhouse://localhost:9000/db')
  const [finding = '', ...others] = await lint(native)
  assert.match(
    finding,
    /^3: the native protocol of ClickHouse .* is known but not supported by Penstock yet: use the HTTP/,
  )
  assert.deepEqual(others, [])
  const login = sql.replace('spanner', 'snowflake').replace('dsn: x', "dsn: 'ann:secret@account/db'")
  assert.match(
    (await lint(login)).join('\n'),
    /^3: the sign-in 'user and password' of Snowflake is known but not supported/,
  )
})

test('errors that a mapping raises at start are found by lint', async () => {
  const inMapping = (mapping: string) => lint(`pipeline:\n  processors:\n    - mapping: '${mapping}'\n`)
  assert.deepEqual(await inMapping('root = range(0, 100000000)'), ['3: a range of 100000000 elements is too large'])
  assert.deepEqual(await inMapping('root = content().re_match("[")'), [
    '3: error parsing regexp: missing closing ]: `[`',
  ])
  // The contents of a file on the host that will run the stream cannot be known here.
  assert.deepEqual(await inMapping('root = file("/nowhere")'), [])
})

test('a mapping error is reported at its line within the mapping', async () => {
  const findings = await lint(
    'pipeline:\n  processors:\n    - mapping: |\n        root.a = this.a\n        root.b = nope()\n',
  )
  assert.equal(findings.length, 1)
  assert.match(findings[0]!, /^5: /)
})

test('labels must be unique', async () => {
  const text = 'input:\n  label: a\n  stdin: {}\noutput:\n  label: a\n  drop: {}\ncache_resources:\n  - memory: {}\n'
  assert.deepEqual(await lint(text), [
    "5: label 'a' collides with a previously defined label at line 2",
    '8: the label field for resources must be unique and not empty',
  ])
})

test('a comment in the first line disables the check', async () => {
  assert.deepEqual(await lint('# BENTO LINT DISABLE\nnope: 1\n'), [])
})

test('an unset environment variable is reported', async () => {
  assert.deepEqual(await lint('input: { file: { paths: [ "${PENSTOCK_NOT_SET}" ] } }\n'), [
    '1: required environment variables were not set: [PENSTOCK_NOT_SET]',
  ])
})

test('a field that has no effect is a warning that says why', async () => {
  const text = `input:
  kafka_franz:
    seed_brokers: [ localhost:9092 ]
    topics: [ a ]
    consumer_group: g
    preferring_lag: 5
output:
  http_client:
    url: http://localhost
    transport:
      force_http2: false
      idle_connection_timeout: 5s
`
  const findings = await lintConfig(text, { registry: createRegistry(), host: systemHost })
  assert.deepEqual(
    findings.map(({ line, level, text: message }) => `${line} ${level}: ${message}`),
    [
      '6 warning: field preferring_lag has no effect: lag does not decide which partition is read first',
      '11 warning: field force_http2 has no effect: requests are sent by HTTP/1.1',
    ],
  )
})

test('the mapping of metrics is checked like any other', async () => {
  assert.deepEqual(await lint('metrics:\n  json_api: {}\n  mapping: root = (\n'), [
    '3: expected query, but reached end of input',
  ])
})
