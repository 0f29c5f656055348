import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TSchema } from 'typebox'
import type { AccessLevel } from './contract/access.ts'
import type { Endpoint } from './contract/endpoint.ts'
import { contract } from './contract/index.ts'
import { startTestPlane } from './test-plane.ts'

let plane: Awaited<ReturnType<typeof startTestPlane>>
const keys: Record<string, string | undefined> = {}
const other = 'vci_other'

before(async () => {
  plane = await startTestPlane()
  await plane.createCluster(other)
  const grant = (principal_kind: string, cluster?: string) =>
    cluster === undefined
      ? { principal_kind, resource_kind: '*', resource_id: '*' }
      : { principal_kind, resource_kind: 'virtual_cluster', resource_id: cluster }
  const { clusterId, createKey } = plane
  keys['nothing'] = undefined
  keys['an unknown key'] = 'aks_00'
  keys['app'] = plane.applicationKey
  keys['app_r'] = await createKey('app_r', [grant('app_r')])
  keys['app of the cluster'] = await createKey('app_one', [grant('app', clusterId)])
  keys['app_r of the cluster'] = await createKey('app_r_one', [grant('app_r', clusterId)])
  keys['app of another cluster'] = await createKey('app_other', [grant('app', other)])
  keys['app of another cluster, app_r of this one'] = await createKey('app_mixed', [
    grant('app', other),
    grant('app_r', clusterId),
  ])
  keys['agent'] = plane.agentKey
  keys['*'] = await createKey('any', [grant('*')])
})

after(() => plane.close())

const refused = { nothing: 401, 'an unknown key': 401, agent: 403 }

/** The expected result per kind of key and endpoint: a refusal, or whatever response the request deserves. */
const expected: Readonly<Record<AccessLevel, Readonly<Record<string, number | 'answer'>>>> = {
  public: {
    ...refused,
    nothing: 'answer',
    agent: 'answer',
    app: 'answer',
    app_r: 'answer',
    'app of the cluster': 'answer',
    'app_r of the cluster': 'answer',
    'app of another cluster': 'answer',
    'app of another cluster, app_r of this one': 'answer',
    '*': 'answer',
  },
  application: {
    ...refused,
    app: 'answer',
    app_r: 'answer',
    'app of the cluster': 'answer',
    'app_r of the cluster': 'answer',
    'app of another cluster': 'answer',
    'app of another cluster, app_r of this one': 'answer',
    '*': 'answer',
  },
  cluster_read: {
    ...refused,
    app: 'answer',
    app_r: 'answer',
    'app of the cluster': 'answer',
    'app_r of the cluster': 'answer',
    'app of another cluster': 403,
    'app of another cluster, app_r of this one': 'answer',
    '*': 'answer',
  },
  cluster_write: {
    ...refused,
    app: 'answer',
    app_r: 403,
    'app of the cluster': 'answer',
    'app_r of the cluster': 403,
    'app of another cluster': 403,
    'app of another cluster, app_r of this one': 403,
    '*': 'answer',
  },
  workspace_write: {
    ...refused,
    app: 'answer',
    app_r: 403,
    'app of the cluster': 403,
    'app_r of the cluster': 403,
    'app of another cluster': 403,
    'app of another cluster, app_r of this one': 403,
    '*': 'answer',
  },
}

describe('every endpoint accepts exactly the keys that may use it', () => {
  for (const [name, endpoint] of Object.entries<Endpoint>(contract)) {
    test(name, async () => {
      const body = {
        ...Object(sample(endpoint.request)),
        ...(name.startsWith('delete_') && { api_key_id: 'none' }),
      }
      for (const [kind, answer] of Object.entries(expected[endpoint.access])) {
        assert.ok(kind in keys, kind)
        const request = 'virtual_cluster_id' in body ? { ...body, virtual_cluster_id: plane.clusterId } : body
        const { status, json } = await plane.postWith(keys[kind], name, request)
        // `create_session` itself returns 401 for an invalid token.
        if (name === 'create_session' && answer === 'answer') assert.equal(json.code, 'invalid_api_key')
        else if (answer === 'answer') assert.ok(status !== 401 && status !== 403, `${kind}: ${status} ${json.code}`)
        else assert.equal(status, answer, `${kind}: ${JSON.stringify(json)}`)
      }
      assert.equal(Object.keys(expected[endpoint.access]).length, Object.keys(keys).length)
    })
  }
})

test('the event stream requires read access to the cluster', async () => {
  for (const [kind, answer] of Object.entries(expected.cluster_read)) {
    const key = keys[kind]
    const abort = new AbortController()
    const response = await fetch(`${plane.url}/api/v1/events?virtual_cluster_id=${plane.clusterId}`, {
      headers: key === undefined ? {} : { 'warpstream-api-key': key },
      signal: abort.signal,
    })
    assert.equal(response.status, answer === 'answer' ? 200 : answer, kind)
    abort.abort()
  }
})

test('a key sees only the clusters it has a grant for, and secrets only where it may write', async () => {
  const list = async (kind: string): Promise<{ id: string; agent_keys: unknown[] | null }[]> =>
    (await plane.postWith(keys[kind], 'list_virtual_clusters', {})).json.virtual_clusters
  const seen = async (kind: string) => (await list(kind)).map(({ id }) => id)
  // Callers with the right to create clusters may have created more meanwhile.
  assert.deepEqual((await seen('app')).slice(0, 2), [plane.clusterId, other])
  assert.deepEqual(await seen('app of another cluster'), [other])
  assert.deepEqual(await seen('app_r of the cluster'), [plane.clusterId])
  const [writable] = await list('app of the cluster')
  assert.equal(writable?.agent_keys?.length, 1)
  const [readable] = await list('app_r of the cluster')
  assert.equal(readable?.agent_keys, null)
})

test('a browser has the rights of the key it signed in with, until that key is deleted', async () => {
  const grants = [{ principal_kind: 'app_r', resource_kind: '*', resource_id: '*' }]
  const { json: key } = await plane.postWith(plane.applicationKey, 'create_api_key', {
    name: 'browser',
    access_grants: grants,
  })
  const signedIn = await plane.post('create_session', { token: key.key }, {})
  const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!
  const cluster = { virtual_cluster_id: plane.clusterId }
  assert.equal((await plane.post('list_pipelines', cluster, { cookie })).status, 200)
  const refusal = await plane.post('create_pipeline', { ...cluster, pipeline_name: 'p' }, { cookie })
  assert.deepEqual([refusal.status, refusal.json.message], [403, 'the key is read-only'])
  await plane.postWith(plane.applicationKey, 'delete_api_key', { api_key_id: key.id })
  assert.equal((await plane.post('list_pipelines', cluster, { cookie })).status, 401)
})

test('refuses meaningless grants', async () => {
  const create = async (grant: object) => {
    const body = { name: 'odd', access_grants: [grant] }
    const { status, json } = await plane.postWith(plane.applicationKey, 'create_api_key', body)
    return `${status} ${json.code}`
  }
  const all = { resource_kind: '*', resource_id: '*' }
  assert.equal(await create({ principal_kind: 'root', ...all }), '400 invalid_request')
  assert.equal(await create({ principal_kind: 'agent', ...all }), '400 invalid_request')
  assert.equal(await create({ principal_kind: 'app', resource_kind: 'topic', resource_id: 't' }), '400 invalid_request')
  assert.equal(await create({ principal_kind: 'app', ...all, workspace_id: 'wi_no' }), '404 workspace_not_found')
  const unknown = { principal_kind: 'app', resource_kind: 'virtual_cluster', resource_id: 'vci_no' }
  assert.equal(await create(unknown), '404 virtual_cluster_not_found')
})

test('resources of a cluster are not reachable through another cluster', async () => {
  const cluster = { virtual_cluster_id: plane.clusterId }
  const { json } = await plane.postWith(keys['app'], 'create_pipeline', { ...cluster, pipeline_name: 'mine' })
  const through = { virtual_cluster_id: other, pipeline_id: json.pipeline_id }
  for (const name of ['describe_pipeline', 'describe_pipeline_status', 'delete_pipeline', 'read_pipeline_logs'])
    assert.equal((await plane.postWith(keys['app of another cluster'], name, through)).json.code, 'pipeline_not_found')
  const { json: listed } = await plane.postWith(keys['app'], 'list_pipelines', { virtual_cluster_id: other })
  assert.deepEqual(listed, { pipelines: [] })
})

/** The parts of JSON Schema that the contract uses. */
interface JsonSchema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly TSchema[]
  readonly properties?: Readonly<Record<string, TSchema>>
  readonly required?: readonly string[]
  readonly minimum?: number
}

/** A value that matches a schema. */
function sample(schema: TSchema): unknown {
  const { type, enum: values, anyOf, properties, required, minimum }: JsonSchema = schema
  if (values !== undefined) return values[0]
  if (anyOf !== undefined) return sample(anyOf[0]!)
  if (type === 'object') {
    const names = required ?? []
    return Object.fromEntries(names.map(name => [name, sample(properties![name]!)]))
  }
  if (type === 'array') return []
  if (type === 'boolean') return false
  return type === 'integer' ? (minimum ?? 0) : 'sample'
}
