import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorsOf, processed } from '../processor.suite.ts'

const schema = [
  { name: 'id', type: 'INT64' },
  { name: 'small', type: 'INT8', optional: true },
  { name: 'ratio', type: 'DOUBLE', optional: true },
  { name: 'price', type: 'DECIMAL64', decimal_precision: 10, decimal_scale: 2, optional: true },
  { name: 'yes', type: 'BOOLEAN' },
  { name: 'name', type: 'UTF8' },
  { name: 'tags', type: 'UTF8', repeated: true },
  { name: 'list', type: 'LIST', fields: [{ name: 'element', type: 'INT32' }] },
  { name: 'map', type: 'MAP', fields: [{ name: 'value', type: 'INT64' }], optional: true },
  {
    name: 'cloud',
    type: 'STRUCT',
    optional: true,
    fields: [
      { name: 'provider', type: 'UTF8' },
      { name: 'region', type: 'UTF8', optional: true },
    ],
  },
]
const documents = [
  '{"id":9007199254740993,"small":-5,"ratio":1.5,"price":12.34,"yes":true,"name":"é","tags":["a","b"],"list":[1,2],"map":{"k":7},"cloud":{"provider":"p","region":null},"more":1}',
  '{"id":2}',
]
const results = [
  '{"cloud":{"provider":"p","region":null},"id":9007199254740993,"list":[1,2],"map":{"k":7},"name":"é","price":12.34,"ratio":1.5,"small":-5,"tags":["a","b"],"yes":true}',
  '{"cloud":null,"id":2,"list":[],"map":null,"name":"","price":null,"ratio":null,"small":null,"tags":[],"yes":false}',
]

/** The result of encoding and decoding a batch. */
async function thereAndBack(encode: object, decode: object, batch: readonly string[]) {
  const config = JSON.stringify({ try: [{ parquet_encode: encode }, { parquet_decode: decode }] })
  return await processed(config, batch, { asBatch: true })
}

for (const compression of ['uncompressed', 'snappy', 'gzip', 'brotli', 'zstd', 'lz4raw']) {
  for (const encoding of ['DELTA_LENGTH_BYTE_ARRAY', 'PLAIN', 'RLE_DICTIONARY']) {
    test(`every type survives ${compression} and ${encoding}`, async () => {
      const encode = { schema, default_compression: compression, default_encoding: encoding }
      const outcomes = await thereAndBack(encode, { use_parquet_list_format: false }, documents)
      assert.deepEqual(
        outcomes.map(({ error }) => error),
        [null, null],
      )
      assert.deepEqual(
        outcomes.map(({ text }) => text),
        results,
      )
    })
  }
}

test('lists keep their stored layout by default', async () => {
  const list = { schema: [{ name: 'l', type: 'LIST', fields: [{ name: 'element', type: 'INT32' }] }] }
  const [outcome] = await thereAndBack(list, {}, ['{"l":[1,2]}'])
  assert.equal(outcome!.text, '{"l":{"list":[{"element":1},{"element":2}]}}')
})

test('a document that does not fit the schema flags its whole batch, which is unchanged', async () => {
  const config = JSON.stringify({ parquet_encode: { schema: [{ name: 'n', type: 'INT8' }] } })
  const outcomes = await processed(config, ['{"n":1}', '{"n":300}'], { asBatch: true })
  const reason = 'conversion to struct failed, err: failed to set field N: cannot represent 300 as int8'
  assert.deepEqual(
    outcomes.map(({ text, error }) => [text, error]),
    [
      ['{"n":1}', reason],
      ['{"n":300}', reason],
    ],
  )
})

test('a message that is not a Parquet file is flagged', async () => {
  const [error] = await errorsOf('parquet_decode: {}', ['PAR1 and nothing else'])
  assert.equal(error, 'invalid magic footer of parquet file: "else"')
})
