import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isJsonDocument, layOut } from './json-layout.ts'

test('formats a document without parsing its numbers', () => {
  const text = '{"id":9007199254740993,"price":1.10,"tags":["a, b","{c}"],"none":{},"empty":[ ]}'
  const laidOut = layOut(text)
  assert.equal(
    laidOut,
    `{
  "id": 9007199254740993,
  "price": 1.10,
  "tags": [
    "a, b",
    "{c}"
  ],
  "none": {},
  "empty": []
}`,
  )
})

test('escaped quotes do not end a string', () => {
  assert.equal(layOut('{"a":"\\"}{","b":1}'), '{\n  "a": "\\"}{",\n  "b": 1\n}')
})

test('leaves anything but objects and lists unchanged', () => {
  assert.equal(isJsonDocument('12'), false)
  assert.equal(isJsonDocument('{broken'), false)
  assert.equal(layOut('hello'), undefined)
})
