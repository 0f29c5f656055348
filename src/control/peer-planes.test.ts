import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { AgentReport, LogReport } from './agent-link.ts'
import type { ApiResponse } from './api-types.ts'
import { ControlError } from './errors.ts'
import type { AgentHello } from './model.ts'
import { peerPath } from './peer-planes.ts'
import { startTestPlane, type TestPlane } from './test-plane.ts'
import { agentHello } from './agent-hello.suite.ts'

const hello: AgentHello = {
  ...agentHello,
  roles: ['proxy', 'jobs', 'pipelines'],
  nodeId: 1,
  kafkaAddress: '127.0.0.1:9092',
}

let first: TestPlane
let second: TestPlane
let third: TestPlane
/** An agent that is linked to the first control plane and answers every question. */
let agentId: string
const answered: string[] = []
const stop = new AbortController()
let polling: Promise<void>

before(async () => {
  first = await startTestPlane()
  second = await startTestPlane(undefined, first)
  third = await startTestPlane(undefined, first)
  for (const { plane, url } of [first, second, third, first, second]) await plane.peers.join(url)
  const link = first.plane.link(first.clusterId)
  ;({ agentId } = await link.register(hello))
  polling = (async () => {
    let revision = 0
    while (!stop.signal.aborted) {
      const orders = await link.poll(agentId, revision, stop.signal)
      revision = orders.revision
      for (const { id, name } of orders.questions) {
        answered.push(name)
        await link.answer(
          agentId,
          id,
          name === 'list_topics'
            ? { ok: true, response: { topics: [] } }
            : { ok: false, error: new ControlError('topic_not_found', 'there is no such topic').toJSON() },
        )
      }
    }
  })()
})
after(async () => {
  stop.abort()
  first.plane.fleet(first.clusterId).close()
  await polling
  for (const plane of [third, second, first]) await plane.close()
})

test('every control plane forwards questions to the agent and returns its errors', async () => {
  for (const { postWith } of [second, third, first]) {
    const cluster = { virtual_cluster_id: first.clusterId }
    const listed = await postWith(first.applicationKey, 'list_topics', cluster)
    assert.deepEqual([listed.status, listed.json], [200, { topics: [] }])
    const refused = await postWith(first.applicationKey, 'describe_topic', { ...cluster, topic_name: 't' })
    assert.deepEqual([refused.status, refused.json.code], [404, 'topic_not_found'])
  }
  assert.equal(answered.length, 6, 'each question reaches the agent once')
})

test('every control plane shows the log lines of all agents, each once and in order, whichever plane received them', async () => {
  const { json } = await first.postWith(first.applicationKey, 'create_pipeline', {
    virtual_cluster_id: first.clusterId,
    pipeline_name: 'logging',
  })
  const ids = { virtual_cluster_id: first.clusterId, pipeline_id: json.pipeline_id }
  const read = async ({ postWith }: TestPlane, more: object = {}) => {
    const { status, json } = await postWith(first.applicationKey, 'read_pipeline_logs', { ...ids, ...more })
    assert.equal(status, 200)
    return json
  }
  const tell = ({ plane }: TestPlane, message: string) =>
    plane.fleet(first.clusterId).board.update(agentId, report([{ ...line, pipelineId: ids.pipeline_id, message }]))
  const messages = ({ lines }: ApiResponse<'read_pipeline_logs'>) => lines.map(({ message }) => message)

  tell(first, 'a')
  tell(second, 'b')
  tell(third, 'c')
  let found = await read(third)
  assert.deepEqual(messages(found).toSorted(), ['a', 'b', 'c'])
  const seen: string[] = []
  const planes = [first, second, third]
  for (let round = 0; round < 30; round++) {
    tell(planes[round % 3]!, `${round}`)
    found = await read(planes[(round * 2) % 3]!, { after_cursor: found.next_cursor, limit: 4 })
    seen.push(...messages(found))
  }
  // Lines that a control plane has but that were not fetched yet arrive with one of the next calls.
  for (let call = 0; call < 6; call++) {
    found = await read(planes[call % 3]!, { after_cursor: found.next_cursor })
    seen.push(...messages(found))
  }
  assert.deepEqual(
    seen.toSorted((one, two) => Number(one) - Number(two)),
    Array.from({ length: 30 }, (_, round) => `${round}`),
  )
  const waiting = read(second, { after_cursor: found.next_cursor, wait_ms: 20_000 })
  tell(first, 'late')
  assert.deepEqual(messages(await waiting), ['late'])
})

test('other callers cannot query a control plane', async () => {
  const question = JSON.stringify({
    kind: 'relay',
    clusterId: first.clusterId,
    name: 'list_topics',
    request: { virtual_cluster_id: first.clusterId },
  })
  for (const body of [
    {},
    { question, at: Date.now(), signature: '' },
    { question, at: Date.now(), signature: 'f'.repeat(64) },
  ]) {
    const response = await fetch(first.url + peerPath, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'warpstream-api-key': first.applicationKey },
      body: JSON.stringify(body),
    })
    assert.equal(response.status, 403)
  }
})

test('without any agent, the error says so', async () => {
  await first.createCluster('vci_empty')
  const key = await first.createKey('akn_other', [
    { principal_kind: 'app', resource_kind: 'virtual_cluster', resource_id: 'vci_empty' },
  ])
  const { status, json } = await second.postWith(key, 'list_topics', { virtual_cluster_id: 'vci_empty' })
  assert.deepEqual([status, json.code], [409, 'no_agent_available'])
})

const line: LogReport = { instanceId: 'ins', pipelineId: '', at: 0, level: 'info', message: '', fields: {} }

function report(logs: readonly LogReport[]): AgentReport {
  const traffic = { producedBytes: 0, producedRecords: 0, fetchedBytes: 0 }
  return { revision: 1, instances: [], ended: [], cpu: 0, memoryBytes: 0, connections: 0, traffic, logs }
}
