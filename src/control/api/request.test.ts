import assert from 'node:assert/strict'
import test from 'node:test'
import { contract } from '../contract/index.ts'
import { ControlError } from '../errors.ts'
import { readRequest } from './request.ts'

function mistake(schema: Parameters<typeof readRequest>[0], body: unknown): string {
  try {
    return JSON.stringify(readRequest(schema, body))
  } catch (error) {
    assert.ok(error instanceof ControlError && error.code === 'invalid_request')
    return error.message
  }
}

test('reports errors in a request with their paths', () => {
  const cluster = { virtual_cluster_id: 'vci_1' }
  const topic = { ...cluster, topic_name: 't' }
  const { request } = contract.read_topic_messages
  assert.equal(mistake(request, 5), 'the body has to be a JSON object')
  assert.equal(mistake(request, []), 'the body has to be a JSON object')
  assert.equal(mistake(request, cluster), 'topic_name is missing')
  assert.equal(mistake(request, { ...topic, topic_name: null }), 'topic_name has to be text')
  assert.equal(mistake(request, { ...topic, topic_name: 3 }), 'topic_name has to be text')
  assert.equal(mistake(request, { ...topic, limit: 501 }), 'limit has to be a whole number from 1 to 500')
  assert.equal(mistake(request, { ...topic, positions: {} }), 'positions has to be a list')
  assert.equal(
    mistake(request, { ...topic, positions: [{ partition: 0, offset: 1 }, { partition: 0 }] }),
    'positions[1].offset is missing',
  )
  assert.equal(
    mistake(request, { ...topic, positions: [{ partition: 0, offset: 'x' }] }),
    'positions[0].offset has to be a whole number from 0 to 9007199254740991',
  )
  const pipeline = { ...cluster, pipeline_id: 'pi_1' }
  assert.equal(
    mistake(contract.change_pipeline_state.request, { ...pipeline, desired_state: 'fast' }),
    'desired_state has to be "running" or "paused" or null',
  )
  assert.equal(mistake(contract.create_topic.request, { ...topic, configs: { a: 1 } }), 'configs.a has to be text')
})

test('null is the same as absent for optional fields, and unknown fields are ignored', () => {
  const { request } = contract.change_pipeline_state
  const body = { virtual_cluster_id: 'vci_1', pipeline_id: 'pi_1', desired_state: null, more: 1 }
  assert.deepEqual(readRequest(request, body), { virtual_cluster_id: 'vci_1', pipeline_id: 'pi_1' })
})
