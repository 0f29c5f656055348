import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasSpecialNumbers } from './numbers.ts'

const isSpecial = (document: string) => hasSpecialNumbers(Buffer.from(document))

test('a document is special if JavaScript prints one of its numbers differently', () => {
  const special = ['1.0', '10.50', '-0', '-0.0', '1e3', '1E-7', '0.0000001', '9007199254740993', '12345678901234567890']
  for (const number of special) assert.ok(isSpecial(`{"a":[${number}]}`), number)
  const usual = ['0', '10', '-10', '0.5', '-0.05', '0.000001', '1700000000', '9007199254740991', '845.1234567890123']
  for (const number of usual) assert.ok(!isSpecial(`{"a":[${number}]}`), number)
})

test('what a text contains does not make a document special', () => {
  assert.ok(!isSpecial('{"at":"2024-01-01T10:00:00.000Z","\\"1.0":"say \\"1e3\\" or 1.50\\\\","n":1}'))
  assert.ok(isSpecial('{"at":"\\\\","n":1.0}'))
  for (const broken of ['"1.0', '"\\', '-', '1.', '']) assert.equal(typeof isSpecial(broken), 'boolean')
})

test('no document that JavaScript has printed is special', () => {
  const numbers = fc.array(fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger()))
  fc.assert(
    fc.property(numbers, list => {
      // JSON.stringify prints -0 as 0.
      assert.equal(isSpecial(JSON.stringify(list)), false)
    }),
  )
})
