import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinMultipart, splitMultipart } from './multipart.ts'

test('splitting reverses joining, including empty parts and line ends', () => {
  const bodies = ['hello', '', 'two\r\nlines', '--x']
  const { boundary, body } = joinMultipart(
    bodies.map(text => ({ headers: { 'Content-Type': 'text/plain' }, body: Buffer.from(text) })),
  )
  assert.deepEqual(splitMultipart(body, boundary).map(String), bodies)
})

test('parts without headers and a preamble are accepted', () => {
  const body = Buffer.from('preamble\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n')
  assert.deepEqual(splitMultipart(body, 'b').map(String), ['one', 'two'])
})

test('a body that ends within a part is an error', () => {
  assert.throws(() => splitMultipart(Buffer.from('--b\r\n\r\none'), 'b'), /EOF/)
  assert.throws(() => splitMultipart(Buffer.from('none'), 'b'), /EOF/)
})

test('the headers of a part are sorted', () => {
  const headers = { 'Content-Type': 'text/plain', 'Content-Disposition': 'form-data; name="f"' }
  const { body } = joinMultipart([{ headers, body: Buffer.from('x') }])
  assert.match(body.toString(), /\r\nContent-Disposition: [^]*\r\nContent-Type: /)
})
