import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { DatabaseError } from '../database/index.ts'
import type { AgentReport, InstanceReport } from './agent-link.ts'
import type { ApiName, ApiRequest } from './api-types.ts'
import { startTestPlane } from './test-plane.ts'

const { plane, post: postRaw, url, clusterId: vci, applicationKey: key, agentKey, close } = await startTestPlane()
after(close)

function post(name: string, body: unknown, headers: Record<string, string> = { 'warpstream-api-key': key }) {
  return postRaw(name, body, headers)
}

async function call<Name extends ApiName>(name: Name, request: ApiRequest<Name>) {
  const answer = await post(name, request)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

test('ids, names and keys have the prefixes that clients look for', async () => {
  const { virtual_clusters } = await call('list_virtual_clusters', {})
  assert.equal(virtual_clusters.length, 1)
  assert.match(virtual_clusters[0].id, /^vci_[A-Za-z0-9_]+$/)
  assert.equal(virtual_clusters[0].name, 'vcn_default')
  assert.match(key, /^aks_[0-9a-f]{64}$/)
  const { virtual_cluster } = await call('describe_virtual_cluster', { virtual_cluster_id: vci })
  assert.notEqual(virtual_cluster.cluster_region.region, null)
})

test('a missing or unknown key is 401 invalid_api_key, an agent key is forbidden', async () => {
  assert.equal((await post('list_pipelines', { virtual_cluster_id: vci }, {})).json.code, 'invalid_api_key')
  const answer = await post('list_pipelines', { virtual_cluster_id: vci }, { 'warpstream-api-key': 'aks_00' })
  assert.deepEqual([answer.status, answer.json.code], [401, 'invalid_api_key'])
  const forbidden = await post('list_pipelines', { virtual_cluster_id: vci }, { 'warpstream-api-key': agentKey })
  assert.deepEqual([forbidden.status, forbidden.json.code], [403, 'forbidden'])
})

test('a list request needs no body', async () => {
  const response = await fetch(`${url}/api/v1/list_virtual_clusters`, {
    method: 'POST',
    headers: { 'warpstream-api-key': key, 'content-type': 'application/json' },
  })
  assert.equal(response.status, 200)
})

test('a pipeline is saved, deployed, updated and rolled back', async () => {
  const created = await call('create_pipeline', {
    virtual_cluster_id: vci,
    pipeline_name: 'walk',
    pipeline_type: 'bento',
  })
  assert.deepEqual(
    { ...created, pipeline_id: '' },
    {
      pipeline_id: '',
      pipeline_name: 'walk',
      pipeline_state: 'paused',
      pipeline_type: 'bento',
      pipeline_deployed_configuration_id: '',
    },
  )
  const id = { virtual_cluster_id: vci, pipeline_id: created.pipeline_id }
  assert.doesNotMatch(created.pipeline_id, /\//)
  const text = 'input: {}  # kept, "as it is"\noutput:   {}\n'
  const first = await call('create_pipeline_configuration', { ...id, configuration_yaml: text })
  let described = await call('describe_pipeline', id)
  assert.deepEqual(described, {
    pipeline_overview: {
      id: created.pipeline_id,
      name: 'walk',
      state: 'paused',
      type: 'bento',
      deployed_configuration_id: first.configuration_id,
    },
    pipeline_configurations: [{ id: first.configuration_id, version: 0, configuration_yaml: text }],
  })
  assert.equal((await post('change_pipeline_state', { ...id, desired_state: 'running' })).text, '{}')
  const second = await call('create_pipeline_configuration', { ...id, configuration_yaml: 'input: {}\n' })
  described = await call('describe_pipeline', id)
  assert.equal(described.pipeline_overview.deployed_configuration_id, first.configuration_id)
  assert.equal(described.pipeline_overview.state, 'running')
  assert.deepEqual(
    described.pipeline_configurations.map(({ version }: { version: number }) => version),
    [0, 1],
  )
  const deploy = { ...id, desired_state: null, deployed_configuration_id: second.configuration_id }
  assert.equal((await post('change_pipeline_state', deploy)).text, '{}')
  described = await call('describe_pipeline', id)
  assert.equal(described.pipeline_overview.deployed_configuration_id, second.configuration_id)
  await call('change_pipeline_state', {
    ...id,
    deployed_configuration_id: first.configuration_id,
    desired_state: 'paused',
  })
  described = await call('describe_pipeline', id)
  assert.equal(described.pipeline_overview.deployed_configuration_id, first.configuration_id)
  assert.equal(described.pipeline_overview.state, 'paused')
  assert.equal((await post('delete_pipeline', id)).text, '{}')
  const gone = await post('describe_pipeline', id)
  assert.deepEqual([gone.status, gone.json.code], [404, 'pipeline_not_found'])
})

test('a pipeline can be renamed, but not to a name in use', async () => {
  const { pipeline_id } = await call('create_pipeline', { virtual_cluster_id: vci, pipeline_name: 'before' })
  const taken = await call('create_pipeline', { virtual_cluster_id: vci, pipeline_name: 'taken' })
  await call('rename_pipeline', { virtual_cluster_id: vci, pipeline_id, pipeline_name: 'after' })
  const { pipeline_overview } = await call('describe_pipeline', { virtual_cluster_id: vci, pipeline_id })
  assert.equal(pipeline_overview.name, 'after')
  const refused = await post('rename_pipeline', { virtual_cluster_id: vci, pipeline_id, pipeline_name: 'taken' })
  assert.deepEqual([refused.status, refused.json.code], [409, 'duplicate_pipeline_name'])
  await call('delete_pipeline', { virtual_cluster_id: vci, pipeline_id })
  await call('delete_pipeline', { virtual_cluster_id: vci, pipeline_id: taken.pipeline_id })
})

test('a configuration with lint errors is refused with its findings and changes nothing', async () => {
  const { pipeline_id } = await call('create_pipeline', { virtual_cluster_id: vci, pipeline_name: 'lint' })
  const id = { virtual_cluster_id: vci, pipeline_id }
  await call('create_pipeline_configuration', { ...id, configuration_yaml: 'input: {}\n' })
  const before = await call('describe_pipeline', id)
  const refused = await post('create_pipeline_configuration', { ...id, configuration_yaml: 'input:\n  bad: 1\n' })
  assert.equal(refused.status, 400)
  assert.deepEqual(refused.json, {
    code: 'invalid_pipeline_configuration',
    message: 'line 2 column 3: field bad not recognised',
    findings: [{ line: 2, column: 3, level: 'error', message: 'field bad not recognised' }],
  })
  assert.deepEqual(await call('describe_pipeline', id), before)
})

test('user errors are 4xx statuses that clients do not retry', async () => {
  const unknown = 'vci_none'
  const id = { virtual_cluster_id: vci, pipeline_id: 'pi_none' }
  const cases: [string, unknown, number, string][] = [
    ['list_pipelines', { virtual_cluster_id: unknown }, 404, 'virtual_cluster_not_found'],
    ['list_pipelines', {}, 400, 'invalid_request'],
    ['list_pipelines', [], 400, 'invalid_request'],
    ['describe_pipeline', id, 404, 'pipeline_not_found'],
    ['delete_pipeline', id, 404, 'pipeline_not_found'],
    ['create_pipeline_configuration', { ...id, configuration_yaml: 'a: 1' }, 404, 'pipeline_not_found'],
    ['create_pipeline', { virtual_cluster_id: vci, pipeline_name: '' }, 400, 'invalid_request'],
    ['create_pipeline', { virtual_cluster_id: vci, pipeline_name: 'lint' }, 409, 'duplicate_pipeline_name'],
    [
      'create_pipeline',
      { virtual_cluster_id: vci, pipeline_name: 'o', pipeline_type: 'orbit' },
      400,
      'invalid_request',
    ],
    ['change_pipeline_state', { ...id, desired_state: 'fast' }, 400, 'invalid_request'],
    ['list_topics', { virtual_cluster_id: vci }, 409, 'no_agent_available'],
    ['no_such_endpoint', {}, 404, 'unknown_endpoint'],
  ]
  for (const [name, body, status, code] of cases) {
    const answer = await post(name, body)
    assert.deepEqual([name, answer.status, answer.json.code], [name, status, code])
  }
  const broken = await fetch(`${url}/api/v1/list_pipelines`, {
    method: 'POST',
    headers: { 'warpstream-api-key': key },
    body: '{',
  })
  assert.equal(broken.status, 400)
})

test('a pipeline without a version cannot run, and only its own versions can be deployed', async () => {
  const { pipeline_id } = await call('create_pipeline', { virtual_cluster_id: vci, pipeline_name: 'empty' })
  const id = { virtual_cluster_id: vci, pipeline_id }
  const running = await post('change_pipeline_state', { ...id, desired_state: 'running' })
  assert.deepEqual([running.status, running.json.code], [409, 'pipeline_not_deployable'])
  const deployed = await post('change_pipeline_state', { ...id, deployed_configuration_id: 'pci_none' })
  assert.deepEqual([deployed.status, deployed.json.code], [404, 'pipeline_configuration_not_found'])
})

test('a browser signs in with the printed token and is known by its cookie', async () => {
  const wrong = await post('create_session', { token: 'sks_no' }, {})
  assert.equal(wrong.status, 401)
  const signedIn = await post('create_session', { token: plane.sessions.signInToken }, {})
  assert.equal(signedIn.json.default_virtual_cluster_id, vci)
  const setCookie = signedIn.headers.get('set-cookie')!
  assert.match(setCookie, /HttpOnly; SameSite=Strict/)
  const cookie = setCookie.split(';')[0]!
  assert.equal((await post('list_pipelines', { virtual_cluster_id: vci }, { cookie })).status, 200)
  const form = await post('list_pipelines', { virtual_cluster_id: vci }, { cookie, 'content-type': 'text/plain' })
  assert.equal(form.status, 400)
  await post('delete_session', {}, { cookie })
  assert.equal((await post('describe_session', {}, { cookie })).status, 401)
})

test('keys are created, listed in clear text and deleted', async () => {
  const grants = [{ principal_kind: 'app', resource_kind: '*', resource_id: '*', workspace_id: '' }]
  const made = await call('create_api_key', { name: 'ci', access_grants: grants })
  assert.equal(made.name, 'akn_ci')
  assert.equal(made.access_grants[0].workspace_id, 'wi_default')
  assert.equal((await post('list_virtual_clusters', {}, { 'warpstream-api-key': made.key })).status, 200)
  const duplicate = await post('create_api_key', { name: 'ci', access_grants: grants })
  assert.equal(duplicate.json.code, 'duplicate_api_key_name')
  assert.equal((await post('delete_api_key', { api_key_id: made.id })).text, '{}')
  assert.equal((await post('list_virtual_clusters', {}, { 'warpstream-api-key': made.key })).status, 401)
})

test('an agent receives its orders, reports, and answers questions that only the caller reads', async () => {
  const link = plane.link(vci)
  const { pipeline_id } = await call('create_pipeline', { virtual_cluster_id: vci, pipeline_name: 'fleet' })
  const id = { virtual_cluster_id: vci, pipeline_id }
  const yaml = 'input: {}\nwarpstream:\n  cluster_concurrency_target: 1\n'
  const { configuration_id } = await call('create_pipeline_configuration', { ...id, configuration_yaml: yaml })
  await call('change_pipeline_state', { ...id, desired_state: 'running' })
  assert.equal((await call('describe_pipeline_status', id)).health, 'waiting')

  const { agentId } = await link.register({
    identity: null,
    name: 'test',
    version: '0.0.0',
    roles: ['proxy', 'pipelines'],
    pipelineGroup: '',
    agentGroup: '',
    availabilityZone: '',
    nodeId: null,
    isDraining: false,
    kafkaAddress: '127.0.0.1:9092',
    httpAddress: null,
    startedAt: Date.now(),
  })
  const signal = AbortSignal.timeout(10_000)
  let orders = await link.poll(agentId, 0, signal)
  // Agents that join together are placed together, after a pause.
  while (orders.instances.length === 0) orders = await link.poll(agentId, orders.revision, signal)
  const order = orders.instances.find(({ pipelineId }) => pipelineId === pipeline_id)!
  assert.deepEqual([order.configurationId, order.version, order.yaml], [configuration_id, 0, yaml])

  const instance: InstanceReport = {
    instanceId: order.instanceId,
    pipelineId: pipeline_id,
    configurationId: configuration_id,
    version: 0,
    state: 'running',
    since: Date.now(),
    restarts: 0,
    nextStartAt: null,
    error: null,
    problem: null,
    counters: { input_received: 5, output_sent: 4, input_errors: 0, output_errors: 0, processor_errors: 1 },
    memoryBytes: 1,
    cpu: 0,
  }
  const report = (revision: number, instances: InstanceReport[]): AgentReport => ({
    revision,
    instances,
    ended: [],
    cpu: 0.1,
    memoryBytes: 1,
    connections: 0,
    traffic: { producedBytes: 0, producedRecords: 0, fetchedBytes: 0 },
    logs: instances.map(({ instanceId, pipelineId }) => ({
      instanceId,
      pipelineId,
      at: Date.now(),
      level: 'info',
      message: 'hello',
      fields: {},
    })),
  })
  await link.report(agentId, report(orders.revision, [instance]))
  const status = await call('describe_pipeline_status', id)
  assert.deepEqual([status.health, status.instances_wanted, status.instances_running], ['running', 1, 1])
  assert.equal(status.counters.input_received, 5)
  const logs = await call('read_pipeline_logs', { ...id })
  assert.deepEqual(
    logs.lines.map(({ message }: { message: string }) => message),
    ['hello'],
  )

  const question = call('list_topics', { virtual_cluster_id: vci })
  orders = await link.poll(agentId, orders.revision, signal)
  assert.equal(orders.questions[0]!.name, 'list_topics')
  await link.answer(agentId, orders.questions[0]!.id, { ok: true, response: { topics: [] } })
  assert.deepEqual(await question, { topics: [] })

  await call('change_pipeline_state', { ...id, desired_state: 'paused' })
  orders = await link.poll(agentId, orders.revision, signal)
  assert.deepEqual(orders.instances, [])
  assert.equal((await call('describe_pipeline_status', id)).health, 'paused')
  const noRates = { input_per_second: 0, output_per_second: 0, errors_per_second: 0 }
  assert.deepEqual((await call('describe_pipeline_status', id)).rates, noRates)
  await link.report(agentId, report(orders.revision, []))
  assert.equal((await call('describe_pipeline_status', id)).counters.input_received, 5)
  await link.leave(agentId)
  assert.deepEqual((await call('list_agents', { virtual_cluster_id: vci })).agents, [])
})

test('during shutdown, changes are refused with an error that clients retry, and reads are served', async () => {
  const stopping = await startTestPlane()
  after(stopping.close)
  const cluster = { virtual_cluster_id: stopping.clusterId }
  const ask = (name: string, body: object) => stopping.postWith(stopping.applicationKey, name, { ...cluster, ...body })
  const { json } = await ask('create_pipeline', { pipeline_name: 'before' })
  stopping.plane.refuseChanges()
  const save = await ask('create_pipeline_configuration', { pipeline_id: json.pipeline_id, configuration_yaml: 'a: 1' })
  assert.deepEqual([save.status, save.json.code], [503, 'shutting_down'])
  assert.equal((await ask('create_pipeline', { pipeline_name: 'after' })).status, 503)
  assert.equal((await ask('describe_pipeline', json)).json.pipeline_configurations.length, 0)
})

test('events of one cluster do not reach the listeners of another', async () => {
  const several = await startTestPlane()
  after(several.close)
  await several.createCluster('vci_other')
  const heard: string[] = []
  const stop = several.plane.changes.subscribe('vci_other', event => heard.push(event.virtual_cluster_id), 0)
  const create = (virtual_cluster_id: string) =>
    several.postWith(several.applicationKey, 'create_pipeline', { virtual_cluster_id, pipeline_name: 'p' })
  const next = several.plane.changes.next(10_000, ({ clusterId }) => clusterId === 'vci_other')
  await create(several.clusterId)
  await create('vci_other')
  await next
  await new Promise(resolve => setTimeout(resolve, 5))
  assert.deepEqual(heard, ['vci_other'])
  stop()
})

test('a temporary database error is one that clients retry, and includes its code', async () => {
  const broken = await startTestPlane()
  after(broken.close)
  const { transaction } = broken.database
  // A disk cannot be filled here, so this fakes how a full disk ends a transaction.
  broken.database.transaction = (options, work) =>
    options.kind === 'write'
      ? Promise.reject(new DatabaseError('full', 'database or disk is full'))
      : (transaction.call(broken.database, options, work) as never) // `call` loses the type of the result
  const request = { virtual_cluster_id: broken.clusterId, pipeline_name: 'p' }
  const { status, json } = await broken.postWith(broken.applicationKey, 'create_pipeline', request)
  broken.database.transaction = transaction
  assert.deepEqual([status, json.code], [503, 'database_unavailable'])
  assert.match(json.message, /nothing was changed, .*\(full\)/)
})
