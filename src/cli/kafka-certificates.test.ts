import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { comingUp, expired, makeAuthority } from '../../test/servers/certificates.ts'
import { readCertificates } from './kafka-certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-certificates-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
function file(text: string): string {
  const path = join(folder, `${++count}.pem`)
  writeFileSync(path, text)
  return path
}

const authority = await makeAuthority()
const oldAuthority = await makeAuthority(expired())
const right = await authority.issue('localhost')
let files: { readonly tlsServerCertFile: string; readonly tlsServerPrivateKeyFile: string; tlsClientCACertFile: string }
before(() => {
  files = { tlsServerCertFile: file(right.cert), tlsServerPrivateKeyFile: file(right.key), tlsClientCACertFile: '' }
})

const read = (changed: Partial<typeof files> = {}) => readCertificates({ ...files, ...changed }, Date.now())

test('reads a valid certificate that matches its key, with the chain after it', () => {
  const chain = `${right.cert}\n${authority.ca}`
  const options = read({ tlsServerCertFile: file(chain), tlsClientCACertFile: file(authority.ca) })
  assert.deepEqual([String(options.cert), String(options.key)], [chain, right.key])
  assert.equal(String(options.ca), authority.ca)
  assert.equal(read().ca, undefined)
})

test('refuses a certificate that has expired or is not valid yet, with its time', async () => {
  const old = await authority.issue('localhost', expired())
  const at = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.000Z$'
  assert.throws(
    () => read({ tlsServerCertFile: file(old.cert), tlsServerPrivateKeyFile: file(old.key) }),
    new RegExp(`^Error: -tlsServerCertFile: the certificate in .*\\.pem expired at ${at}`),
  )
  const early = await authority.issue('localhost', comingUp())
  assert.throws(
    () => read({ tlsServerCertFile: file(early.cert), tlsServerPrivateKeyFile: file(early.key) }),
    new RegExp(`^Error: -tlsServerCertFile: the certificate in .*\\.pem is not valid before ${at}`),
  )
})

test('refuses the key of another certificate, a key with a passphrase and a file without a key', async () => {
  const other = await authority.issue('localhost')
  assert.throws(
    () => read({ tlsServerPrivateKeyFile: file(other.key) }),
    /-tlsServerPrivateKeyFile: the key in .* is not that of the certificate in .* \(-tlsServerCertFile\)$/,
  )
  const locked = createPrivateKey(right.key)
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString()
  assert.throws(
    () => read({ tlsServerPrivateKeyFile: file(locked) }),
    /-tlsServerPrivateKeyFile: the key in .* has a passphrase/,
  )
  assert.throws(
    () => read({ tlsServerPrivateKeyFile: file(right.cert) }),
    /-tlsServerPrivateKeyFile: .* has no private key in PEM/,
  )
})

test('refuses a file without a certificate, a damaged certificate and a missing file', () => {
  assert.throws(() => read({ tlsServerCertFile: file(right.key) }), /-tlsServerCertFile: .* has no certificate in PEM/)
  const damaged = right.cert.replace(/^M.{20}/m, 'M'.repeat(21))
  assert.throws(
    () => read({ tlsServerCertFile: file(damaged) }),
    /-tlsServerCertFile: a certificate in .* is damaged: /,
  )
  for (const flag of ['tlsServerCertFile', 'tlsServerPrivateKeyFile', 'tlsClientCACertFile'] as const)
    assert.throws(() => read({ [flag]: '/none.pem' }), new RegExp(`-${flag}: cannot read /none\\.pem \\(ENOENT\\)$`))
})

test('client authorities need at least one valid certificate; expired ones beside it are ignored', () => {
  assert.throws(
    () => read({ tlsClientCACertFile: file(oldAuthority.ca) }),
    /-tlsClientCACertFile: the certificate in .* expired at /,
  )
  assert.throws(
    () => read({ tlsClientCACertFile: file(`${oldAuthority.ca}\n${oldAuthority.ca}`) }),
    /-tlsClientCACertFile: none of the 2 certificates in .* is valid; the first one expired at /,
  )
  // OpenSSL treats such a file as an empty list of authorities, and every client would be refused.
  assert.throws(() => read({ tlsClientCACertFile: file('') }), /-tlsClientCACertFile: .* has no certificate in PEM/)
  const both = `${oldAuthority.ca}\n${authority.ca}`
  assert.equal(String(read({ tlsClientCACertFile: file(both) }).ca), both)
})
