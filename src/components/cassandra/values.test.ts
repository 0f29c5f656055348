import assert from 'node:assert/strict'
import { test } from 'node:test'
import { types } from 'cassandra-driver'
import { Float, JsonNumber, parseJson, Timestamp, type Value } from '../../bloblang/index.ts'
import { type CqlType, toCql } from './values.ts'

const { dataTypes } = types
const as = (value: Value, code: number, info?: unknown) => toCql(value, { code, info }, types)

test('integers keep all digits, and other values are not rounded to integers', () => {
  for (const code of [dataTypes.bigint, dataTypes.int, dataTypes.varint]) {
    assert.equal(as(new JsonNumber('9007199254740993'), code), '9007199254740993')
    assert.equal(as(-5n, code), '-5')
    assert.equal(as(new Float(3), code), '3')
    assert.equal(as(new JsonNumber('1e3'), code), '1000')
    assert.equal(as('42', code), '42')
    for (const bad of [new Float(1.5), new JsonNumber('0.1'), '1.0', '', 'x', true, []]) {
      assert.throws(() => as(bad, code), /^Error: expected a whole number, got /)
    }
  }
})

test('a text column accepts any value, documents as JSON', () => {
  assert.equal(as('ü', dataTypes.text), 'ü')
  assert.equal(as(true, dataTypes.varchar), 'true')
  assert.equal(as(parseJson('{"a":[1,2.50]}'), dataTypes.varchar), '{"a":[1,2.50]}')
})

test('a timestamp is a time, an RFC 3339 string, or seconds', () => {
  const noon = new Date('2026-11-30T12:00:00.25Z')
  assert.deepEqual(as(new Timestamp(BigInt(noon.getTime()) * 1_000_000n, { name: 'UTC' }), dataTypes.timestamp), noon)
  assert.deepEqual(as('2026-11-30T13:00:00.25+01:00', dataTypes.timestamp), noon)
  assert.deepEqual(as(new JsonNumber('1796040000.25'), dataTypes.timestamp), noon)
  assert.throws(() => as('30.11.2026', dataTypes.timestamp), /parsing time/)
  assert.throws(() => as(true, dataTypes.timestamp), /expected a timestamp, got bool: true/)
})

test('collections, tuples and user types are encoded by the types of the server', () => {
  const int: CqlType = { code: dataTypes.int }
  assert.deepEqual(as([1n, 2n], dataTypes.list, int), ['1', '2'])
  assert.throws(() => as([1n, 'x'], dataTypes.set, int), /expected a whole number, got string: x/)
  assert.deepEqual(as({ k: 1n }, dataTypes.map, [{ code: dataTypes.text }, int]), { k: '1' })
  const fields = [
    { name: 'a', type: int },
    { name: 'b', type: int },
  ]
  assert.deepEqual(as({ a: 1n, c: 'x' }, dataTypes.udt, { fields }), { a: '1', b: null })
  assert.deepEqual(as([1n], dataTypes.tuple, [int]), new types.Tuple('1'))
  assert.throws(() => as('x', dataTypes.list, int), /expected an array, got string: x/)
})

test('a missing value is null, and a value of the wrong type is refused', () => {
  assert.equal(as(null, dataTypes.int), null)
  for (const [value, code, reason] of [
    ['yes', dataTypes.boolean, /expected a boolean, got string: yes/],
    ['1.5', dataTypes.double, /expected a number, got string: 1\.5/],
    [1n, dataTypes.uuid, /expected a string, got number: 1/],
    ['x'.repeat(99), dataTypes.boolean, /got string: x{60}…$/],
  ] as const) {
    assert.throws(() => as(value, code), reason)
  }
  assert.throws(() => as(1n, dataTypes.custom, 'org.example.Own'), /the type org\.example\.Own is not supported/)
})
