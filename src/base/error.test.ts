import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asError, codeOf, messageOf } from './error.ts'

test('an error keeps its identity, message and code', () => {
  const error = Object.assign(new Error('no such file'), { code: 'ENOENT' })
  assert.equal(asError(error), error)
  assert.equal(messageOf(error), 'no such file')
  assert.equal(codeOf(error), 'ENOENT')
})

test('an object with a message, which some libraries throw, is treated as an error', () => {
  assert.equal(messageOf({ message: 'refused' }), 'refused')
  assert.equal(asError({ message: 'refused' }).message, 'refused')
})

test('an aggregate error without a message takes that of its first error', () => {
  assert.equal(
    messageOf(new AggregateError([new Error('connect ECONNREFUSED ::1:1'), new Error('other')])),
    'dial tcp [::1]:1: connect: connection refused',
  )
  assert.equal(messageOf(new AggregateError([new Error('x')], 'all failed')), 'all failed')
})

test("connection errors are reported in the original's words", () => {
  const openSsl = (reason: string) =>
    `40A3:error:0A00010B:SSL routines:tls_validate_record_header:${reason}:../deps/x.c:78:`
  const unknown = 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  const cases = [
    ['connect ECONNREFUSED 127.0.0.1:9092', 'dial tcp 127.0.0.1:9092: connect: connection refused'],
    ['connect ECONNREFUSED ::1:9092', 'dial tcp [::1]:9092: connect: connection refused'],
    ['connect EHOSTUNREACH 10.0.0.1:1 - Local (0.0.0.0:0)', 'dial tcp 10.0.0.1:1: connect: no route to host'],
    ['getaddrinfo ENOTFOUND db.internal', 'dial tcp: lookup db.internal: no such host'],
    ['read ECONNRESET', 'read: connection reset by peer'],
    ['self-signed certificate in certificate chain', unknown],
    [
      'unable to verify the first certificate; if the root CA is installed locally, try running Node.js with …',
      unknown,
    ],
    [openSsl('wrong version number'), 'tls: first record does not look like a TLS handshake'],
    [`write EPROTO ${openSsl('wrong version number')}`, 'tls: first record does not look like a TLS handshake'],
    [openSsl('no shared cipher'), 'tls: no shared cipher'],
    ['a note on connect ECONNREFUSED 127.0.0.1:9092', 'a note on connect ECONNREFUSED 127.0.0.1:9092'],
  ] as const
  for (const [message, told] of cases) assert.equal(messageOf(new Error(message)), told)
})

test('a thrown string is the message, and a code that is not a string is ignored', () => {
  assert.equal(messageOf('plain'), 'plain')
  assert.equal(messageOf(undefined), 'undefined')
  assert.equal(codeOf({ code: 7 }), undefined)
  assert.equal(codeOf(null), undefined)
})
