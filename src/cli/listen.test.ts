import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ListenError, listen } from './listen.ts'

const failing = (code: string, host: string, port: number) =>
  listen('kafkaPort', host, port, () => Promise.reject(Object.assign(new Error(`listen ${code}`), { code }))).then(
    () => assert.fail('it listens'),
    (error: Error) => error,
  )

test('a problem with a port names its flag', async () => {
  const hint = 'choose another one with -kafkaPort (0 takes a free one)'
  assert.equal((await failing('EADDRINUSE', '::1', 9092)).message, `port 9092 is taken: ${hint}`)
  assert.equal(
    (await failing('EACCES', '::1', 80)).message,
    `port 80 is not allowed for this user, as those below 1024 belong to the system: ${hint}`,
  )
  assert.equal((await failing('EACCES', '::1', 9092)).message, `port 9092 is not allowed for this user: ${hint}`)
})

test('a problem with the address names its flag', async () => {
  for (const [code, text] of [
    ['EADDRNOTAVAIL', 'fe80::1 is not an address of this machine'],
    ['EAFNOSUPPORT', 'this machine has no addresses of the kind of fe80::1'],
    ['EINVAL', 'nothing can listen on fe80::1'],
    ['ENOTFOUND', 'the address "fe80::1" is not found'],
  ] as const) {
    const error = await failing(code, 'fe80::1', 9092)
    assert.ok(error instanceof ListenError)
    assert.ok(error.message.startsWith(`${text}: choose another one with -bindAddress (`), error.message)
  }
})

test('rethrows errors that no flag can fix', async () => {
  assert.ok(!((await failing('EMFILE', '::1', 9092)) instanceof ListenError))
})
