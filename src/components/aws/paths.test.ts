import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../bloblang/index.ts'
import { valueAtPath, valuesAt } from './paths.ts'

test('a path traverses members, list indexes and wildcards', () => {
  const document = parseJson('{"Records":[{"s3":{"key":"a"}},{"s3":{"key":"b"}},{}],"a.b":{"~":1}}')
  assert.deepEqual(valuesAt(document, 'Records.*.s3.key'), ['a', 'b'])
  assert.deepEqual(valuesAt(document, 'Records.s3.key'), ['a', 'b'])
  assert.deepEqual(valueAtPath(document, 'Records.1.s3.key'), 'b')
  assert.deepEqual(valueAtPath(document, 'a~1b.~0'), 1)
  assert.deepEqual([valueAtPath(document, 'Records.7'), valueAtPath(document, 'x.y')], [undefined, undefined])
  assert.deepEqual(valuesAt({ a: [['x'], ['y']] }, 'a'), ['x', 'y'])
})
