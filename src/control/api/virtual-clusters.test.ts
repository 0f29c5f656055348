import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestPlane } from '../test-plane.ts'

describe('virtual clusters', () => {
  let plane: Awaited<ReturnType<typeof startTestPlane>>
  before(async () => {
    plane = await startTestPlane()
  })
  after(() => plane.close())
  const call = async (name: string, body: object = {}) => plane.postWith(plane.applicationKey, name, body)
  const configuration = async (id: string) =>
    (await call('describe_virtual_cluster_configuration', { virtual_cluster_id: id })).json
      .virtual_cluster_configuration
  const off = { are_acls_enabled: false, acl_shadowing_enabled: false, enable_deletion_protection: false }

  it('are created with a key for their agents, renamed, tagged and deleted', async () => {
    const { json: created } = await call('create_virtual_cluster', { virtual_cluster_name: 'shop' })
    const id = created.virtual_cluster_id
    assert.match(id, /^vci_/)
    assert.equal(created.virtual_cluster_name, 'vcn_shop')
    assert.equal(created.agent_key.access_grants[0].resource_id, id)
    assert.equal((await call('create_virtual_cluster', { virtual_cluster_name: 'shop' })).status, 409)
    assert.equal(
      (await call('rename_virtual_cluster', { virtual_cluster_id: id, new_virtual_cluster_name: 'store' })).text,
      '{}',
    )
    assert.equal(
      (await call('describe_virtual_cluster', { virtual_cluster_id: id })).json.virtual_cluster.name,
      'vcn_store',
    )
    assert.deepEqual((await call('describe_virtual_cluster_tags', { virtual_cluster_id: id })).json, { tags: null })
    await call('update_virtual_cluster_tags', { virtual_cluster_id: id, tags: { team: 'pay' } })
    assert.deepEqual((await call('describe_virtual_cluster_tags', { virtual_cluster_id: id })).json, {
      tags: { team: 'pay' },
    })
    const { json: pipeline } = await call('create_pipeline', {
      virtual_cluster_id: id,
      pipeline_name: 'p',
      pipeline_type: 'bento',
    })
    assert.equal(
      (await call('delete_virtual_cluster', { virtual_cluster_id: id, virtual_cluster_name: 'vcn_shop' })).status,
      400,
    )
    assert.equal(
      (await call('delete_virtual_cluster', { virtual_cluster_id: id, virtual_cluster_name: 'vcn_store' })).text,
      '{}',
    )
    assert.equal((await call('describe_virtual_cluster', { virtual_cluster_id: id })).status, 404)
    const gone = { virtual_cluster_id: id, pipeline_id: pipeline.pipeline_id }
    assert.equal((await call('describe_pipeline', gone)).status, 404)
  })

  it('cannot be deleted while protected', async () => {
    const { json } = await call('create_virtual_cluster', {
      virtual_cluster_name: 'kept',
      skip_agent_key_creation: true,
    })
    assert.equal(json.agent_key, null)
    const id = json.virtual_cluster_id
    const change = { ...off, enable_deletion_protection: true }
    await call('update_virtual_cluster_configuration', {
      virtual_cluster_id: id,
      virtual_cluster_configuration: change,
    })
    const refused = await call('delete_virtual_cluster', { virtual_cluster_id: id, virtual_cluster_name: 'vcn_kept' })
    assert.equal(refused.status, 409)
    assert.match(refused.text, /deletion protection enabled/)
  })

  it('have settings under their Kafka names, changed all or none', async () => {
    const { clusterId } = plane
    assert.equal((await configuration(clusterId)).broker_configs, null)
    const update = async (configs: object, more: object = {}) =>
      call('update_virtual_cluster_configuration', {
        virtual_cluster_id: clusterId,
        virtual_cluster_configuration: { ...off, ...more, broker_configs: configs },
      })
    assert.equal((await update({ 'log.retention.hours': '2', 'auto.create.topics.enable': 'FALSE' })).text, '{}')
    const changed = await configuration(clusterId)
    assert.deepEqual(changed.broker_configs, { 'auto.create.topics.enable': 'false', 'log.retention.ms': '7200000' })
    assert.equal(changed.is_auto_create_topic_enabled, false)
    assert.equal(changed.default_retention_millis, 7_200_000)
    assert.match(
      (await update({ 'num.partitions': '3', 'no.such': '1' })).text,
      /unsupported cluster config \\"no.such\\"/,
    )
    assert.match(
      (await update({ 'num.partitions': '3', 'message.max.bytes': '' })).text,
      /invalid cluster config \\"message.max.bytes\\"/,
    )
    assert.equal((await configuration(clusterId)).default_num_partitions, 1)
  })

  it('have ACLs enabled, shadowed or disabled', async () => {
    const { clusterId } = plane
    const set = async (change: object) =>
      call('update_virtual_cluster_configuration', {
        virtual_cluster_id: clusterId,
        virtual_cluster_configuration: { ...off, ...change },
      })
    assert.equal((await set({ are_acls_enabled: true, acl_shadowing_enabled: true })).status, 400)
    await set({ are_acls_enabled: true })
    assert.equal((await configuration(clusterId)).are_acls_enabled, true)
    await set({})
    assert.equal((await configuration(clusterId)).are_acls_enabled, false)
  })
})
