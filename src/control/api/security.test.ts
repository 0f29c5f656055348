import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestPlane } from '../test-plane.ts'

describe('users of the Kafka port', () => {
  let plane: Awaited<ReturnType<typeof startTestPlane>>
  before(async () => {
    plane = await startTestPlane()
  })
  after(() => plane.close())
  const call = async (name: string, body: object = {}) =>
    plane.postWith(plane.applicationKey, name, { virtual_cluster_id: plane.clusterId, ...body })

  it('are created with a password that is shown once, listed and deleted', async () => {
    const { json: created } = await call('create_virtual_cluster_credentials', { credentials_name: 'shop' })
    assert.match(created.username, /^ccun_[0-9a-f]{64}$/)
    assert.match(created.password, /^ccp_[0-9a-f]{64}$/)
    const { json: listed } = await call('list_virtual_cluster_credentials')
    const { created_at, ...rest } = listed.credentials[0]
    assert.ok(Date.parse(created_at) > 0)
    assert.deepEqual(rest, {
      id: created.id,
      name: 'ccn_shop',
      username: created.username,
      password: '',
      is_cluster_superuser: false,
      read_only: false,
    })
    assert.equal((await call('create_virtual_cluster_credentials', { credentials_name: 'ccn_shop' })).status, 409)
    assert.equal((await call('delete_virtual_cluster_credentials', { id: created.id })).text, '{}')
    assert.equal((await call('delete_virtual_cluster_credentials', { id: created.id })).status, 404)
    assert.deepEqual((await call('list_virtual_cluster_credentials')).json.credentials, [])
  })

  it('are stored without their password', async () => {
    const { json: created } = await call('create_virtual_cluster_credentials', { credentials_name: 'kept' })
    const stored = await plane.metadata.findCredential(created.username)
    assert.ok(stored?.sha256 && stored.sha512)
    for (const encoding of ['utf8', 'base64', 'hex'] as const)
      assert.ok(!JSON.stringify(stored).includes(Buffer.from(created.password).toString(encoding)), encoding)
    await call('delete_virtual_cluster_credentials', { id: created.id })
  })

  it('may be created with a given password', async () => {
    const body = { credentials_name: 'own', imported_password: 'hunter2' }
    assert.equal((await call('create_virtual_cluster_credentials', body)).json.password, 'hunter2')
    assert.equal((await call('create_virtual_cluster_credentials', { credentials_name: 'no space' })).status, 400)
  })
})

describe('ACLs', () => {
  let plane: Awaited<ReturnType<typeof startTestPlane>>
  before(async () => {
    plane = await startTestPlane()
  })
  after(() => plane.close())
  const acl = {
    resource_type: 'TOPIC',
    resource_name: 'orders',
    pattern_type: 'LITERAL',
    principal: 'User:alice',
    host: '*',
    operation: 'READ',
    permission_type: 'ALLOW',
  }
  const call = async (name: string, body: object = {}) =>
    plane.postWith(plane.applicationKey, `virtual_clusters/acls/${name}`, {
      virtual_cluster_id: plane.clusterId,
      ...body,
    })

  it('are listed as they were created, without duplicates', async () => {
    assert.deepEqual((await call('create', { acl })).json, { acl })
    assert.deepEqual((await call('create', { acl })).json, { acl })
    assert.deepEqual((await call('list')).json, { acls: [acl] })
    assert.deepEqual((await call('delete', { acls: [acl, { ...acl, host: 'x' }] })).json, { acls: [acl] })
    assert.deepEqual((await call('list')).json, { acls: [] })
  })

  it('are refused if they are invalid', async () => {
    assert.equal((await call('create', { acl: { ...acl, principal: 'alice' } })).status, 400)
    assert.equal((await call('create', { acl: { ...acl, resource_name: '' } })).status, 400)
    assert.equal((await call('create', { acl: { ...acl, operation: 'DANCE' } })).status, 400)
  })
})
