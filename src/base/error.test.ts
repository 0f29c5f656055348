import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asError, codeOf, messageOf } from './error.ts'

test('an error is itself, with its message and code', () => {
  const error = Object.assign(new Error('no such file'), { code: 'ENOENT' })
  assert.equal(asError(error), error)
  assert.equal(messageOf(error), 'no such file')
  assert.equal(codeOf(error), 'ENOENT')
})

test('an object with a message, as some libraries throw, is read like an error', () => {
  assert.equal(messageOf({ message: 'refused' }), 'refused')
  assert.equal(asError({ message: 'refused' }).message, 'refused')
})

test('of several errors without a message of their own the first one says why', () => {
  assert.equal(
    messageOf(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('other')])),
    'connect ECONNREFUSED ::1:1',
  )
  assert.equal(messageOf(new AggregateError([new Error('x')], 'all failed')), 'all failed')
})

test('a thrown text is the message; a code that is no text is none', () => {
  assert.equal(messageOf('plain'), 'plain')
  assert.equal(messageOf(undefined), 'undefined')
  assert.equal(codeOf({ code: 7 }), undefined)
  assert.equal(codeOf(null), undefined)
})
