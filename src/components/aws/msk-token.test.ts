import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { systemClock } from '../../base/index.ts'
import { grantedHost, readGrants, systemHost } from '../../host/index.ts'
import { mskTokens } from './msk-token.ts'
import type { SessionConfig } from './session.ts'

// Made by AWS's own library for Go (aws-msk-iam-sasl-signer-go 1.0.4), at this time with these credentials.
const madeAt = Date.UTC(2026, 10, 30, 20, 37, 48)
const region = 'eu-central-1'
const keys = { profile: '', id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const signatures = {
  '': '1119c6ac7caba36a1ed80d17030047a3e2193f8b65aa4b2af6016eaa81801d0f',
  'AQoDYXdzEPT//////////wEXAMPLE+tokens/with=signs': 'e44bd656ef13e2d22b3c93be3b6e88a7d8662430f8c4225a788ec7a01db165c4',
}

for (const [token, signature] of Object.entries(signatures)) {
  test(`a token of Amazon MSK is that of AWS's library, ${token === '' ? 'with' : 'with a session and'} keys`, async () => {
    const clock = { now: () => madeAt } as Parameters<typeof mskTokens>[1]['clock'] // the rest is not used
    const made = await mskTokens(configWith(token), { host: systemHost, clock })()
    assert.match(made, /^[\w-]+$/)
    const url = new URL(Buffer.from(made, 'base64url').toString('latin1'))
    assert.equal(url.origin + url.pathname, 'https://kafka.eu-central-1.amazonaws.com/')
    const { 'User-Agent': client, ...signed } = Object.fromEntries(url.searchParams)
    assert.equal(client, 'penstock')
    assert.deepEqual(signed, {
      Action: 'kafka-cluster:Connect',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIDEXAMPLE/20261130/eu-central-1/kafka-cluster/aws4_request',
      'X-Amz-Date': '20261130T203748Z',
      'X-Amz-Expires': '900',
      'X-Amz-SignedHeaders': 'host',
      ...(token !== '' && { 'X-Amz-Security-Token': token }),
      'X-Amz-Signature': signature,
    })
  })
}

test('a token of Amazon MSK is made with variables of the environment only if these are granted', async t => {
  const variables = { AWS_ACCESS_KEY_ID: keys.id, AWS_SECRET_ACCESS_KEY: keys.secret }
  const names = Object.keys(variables)
  const before = names.map(name => process.env[name])
  Object.assign(process.env, variables)
  t.after(() => {
    for (const [index, name] of names.entries()) {
      if (before[index] === undefined) delete process.env[name]
      else process.env[name] = before[index]
    }
  })
  const tokenWith = (grants: string) => {
    const host = grantedHost({ grants: readGrants(grants), ownPorts: [] })
    return mskTokens({ region, endpoint: '', credentials: undefined }, { host, clock: systemClock })()
  }
  await assert.rejects(tokenWith(''), /no AWS credentials: .*managed pipelines may not use the file/)
  const url = new URL(Buffer.from(await tokenWith('env=AWS_*'), 'base64url').toString('latin1'))
  assert.match(url.searchParams.get('X-Amz-Credential')!, /^AKIDEXAMPLE\//)
})

function configWith(token: string): SessionConfig {
  const rest = { from_ec2_role: false, role: '', role_external_id: '', expiry_window: undefined }
  return { region, endpoint: '', credentials: { ...keys, token, ...rest } }
}
