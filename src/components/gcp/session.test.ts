import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { ComponentHost, Resources } from '../../engine/index.ts'
import { systemHost } from '../../host/index.ts'
import { GcpSession } from './session.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-gcp-'))
after(() => rmSync(folder, { recursive: true }))
const key = { type: 'service_account', client_email: 'a@example.invalid', private_key: 'x' }
const keyFile = join(folder, 'key.json')
writeFileSync(keyFile, JSON.stringify(key))

/** A session on a host with these environment variables, in a managed pipeline if `isManaged`. */
function sessionWith(variables: Readonly<Record<string, string>>, text = '', isManaged = false): GcpSession {
  // This host with other environment variables, since those of the process are shared by all tests.
  const host: ComponentHost = {
    ...systemHost,
    env: name => variables[name],
    ...(isManaged && { refusal: () => undefined }),
  }
  return new GcpSession({ credentials_json: text }, { host } as Resources) // no other part is used
}

test('a key in the configuration takes precedence over the file named by the environment', async () => {
  const other = { ...key, client_email: 'b@example.invalid' }
  const variables = { GOOGLE_APPLICATION_CREDENTIALS: keyFile }
  assert.deepEqual(await sessionWith(variables, JSON.stringify(other)).credentials(), other)
  assert.deepEqual(await sessionWith(variables).credentials(), key)
})

test('the credentials of gcloud are used if present; otherwise the library searches', async () => {
  assert.equal(await sessionWith({ CLOUDSDK_CONFIG: folder }).credentials(), undefined)
  writeFileSync(join(folder, 'application_default_credentials.json'), JSON.stringify(key))
  assert.deepEqual(await sessionWith({ CLOUDSDK_CONFIG: folder }).credentials(), key)
})

test('a missing file is named in the error', async () => {
  const session = sessionWith({ GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'missing.json') })
  await assert.rejects(session.credentials(), /ENOENT.*missing\.json/)
})

test('an invalid key is refused when the stream starts, and the error does not reveal it', () => {
  assert.throws(() => sessionWith({}, '{ "private_key": "hush" '), /^ConfigError: credentials_json is not JSON$/)
  assert.throws(() => sessionWith({}, '"hush"'), /^ConfigError: credentials_json is not a service account key/)
})

test('managed pipelines refuse keys that refer to files or programs, and do not search the machine', async () => {
  const external = JSON.stringify({ type: 'external_account', credential_source: { file: '/etc/passwd' } })
  assert.throws(() => sessionWith({}, external, true), /managed pipelines take service_account and authorized_user/)
  const session = sessionWith({ CLOUDSDK_CONFIG: join(folder, 'nowhere') }, '', true)
  await assert.rejects(session.credentials(), /no Google credentials were found: set credentials_json/)
})

test('the project comes from the environment, or else from the key', async () => {
  const text = JSON.stringify({ ...key, project_id: 'of-the-key' })
  assert.equal(await sessionWith({ GOOGLE_CLOUD_PROJECT: 'of-the-machine' }, text).project(), 'of-the-machine')
  assert.equal(await sessionWith({}, text).project(), 'of-the-key')
  await assert.rejects(sessionWith({}, JSON.stringify(key)).project(), /a project is required, but was not found/)
})
