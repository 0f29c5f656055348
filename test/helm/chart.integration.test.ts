// The chart as Helm renders it: every combination of values gives manifests that Kubernetes accepts, and what is missing or
// contradictory is refused with the name of the value.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseAllDocuments } from 'yaml'

const helm = variable('PENSTOCK_TEST_HELM')
const validator = variable('PENSTOCK_TEST_KUBERNETES_VALIDATE')
const chart = join(import.meta.dirname, '../../deploy/helm/penstock')
const folder = mkdtempSync(join(tmpdir(), 'penstock-chart-'))
after(() => rmSync(folder, { recursive: true }))

type Values = Readonly<Record<string, unknown>>

const containerPath = 'spec.template.spec.containers.0'
const config = {
  bucketURL: 's3://events?region=eu-central-1',
  agentKey: 'aks_1',
  virtualClusterID: 'vci_1',
  metadataURL: 'http://control-plane:9080',
}

function variable(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} is missing: run npm run test:connectors -- helm`)
  return value
}

function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

function template(values: Values) {
  const file = join(folder, 'values.json')
  writeFileSync(file, JSON.stringify(values))
  return run(helm, ['template', 'events', chart, '--namespace', 'streaming', '--values', file])
}

/** Renders the chart, has every manifest checked strictly, and returns them by `Kind/name`. */
function render(values: Values): ReadonlyMap<string, unknown> {
  const { status, stdout, stderr } = template(values)
  assert.equal(status, 0, stderr)
  const file = join(folder, 'manifests.yaml')
  writeFileSync(file, stdout)
  const checked = run(validator, ['--strict', '--quiet', file])
  assert.equal(checked.status, 0, checked.stdout + checked.stderr)
  const manifests = parseAllDocuments(stdout).map((document): unknown => document.toJS())
  return new Map(manifests.map(manifest => [[at(manifest, 'kind'), at(manifest, 'metadata.name')].join('/'), manifest]))
}

/** The value at a path such as `spec.ports.0.port`; undefined if there is none. */
function at(manifest: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
      manifest,
    )
}

/** The elements of the list at a path; empty if there is none. */
function list(manifest: unknown, path: string): readonly unknown[] {
  const found = at(manifest, path)
  return Array.isArray(found) ? found : []
}

function refusal(values: Values): string {
  const { status, stderr } = template(values)
  assert.notEqual(status, 0)
  return stderr
}

/** The environment of a manifest's first container by name; references stay objects. */
function environment(manifest: unknown): Readonly<Record<string, unknown>> {
  const variables = list(manifest, `${containerPath}.env`)
  return Object.fromEntries(variables.map(one => [at(one, 'name'), at(one, 'value') ?? at(one, 'valueFrom')]))
}

test('agents need a bucket, a key, a cluster and a control plane, and nothing else', () => {
  const manifests = render({ config })
  assert.deepEqual([...manifests.keys()].toSorted(), [
    'Deployment/events-agent',
    'PodDisruptionBudget/events-agent',
    'Service/events-kafka',
    'ServiceAccount/events-agent',
  ])
  const agent = manifests.get('Deployment/events-agent')!
  assert.equal(at(agent, 'spec.replicas'), 3)
  const variables = environment(agent)
  assert.equal(variables.WARPSTREAM_BUCKET_URL, config.bucketURL)
  assert.equal(variables.WARPSTREAM_METADATA_URL, config.metadataURL)
  assert.equal(variables.WARPSTREAM_AGENT_KEY, 'aks_1')
})

for (const name of ['bucketURL', 'virtualClusterID', 'agentKey', 'metadataURL'] as const)
  test(`without config.${name} the chart is refused with its name`, () => {
    assert.match(refusal({ config: { ...config, [name]: '' } }), new RegExp(`config\\.${name}\\b.* is missing`))
  })

test('a stateful set gives agents host names that do not change, for certificates', () => {
  const manifests = render({
    config,
    deploymentKind: 'StatefulSet',
    certificate: {
      enableTLS: true,
      secretName: 'kafka-tls',
      mtls: { enabled: true, certificateAuthoritySecretKeyRef: { name: 'clients', key: 'ca.crt' } },
    },
  })
  const agent = manifests.get('StatefulSet/events-agent')!
  const headless = manifests.get('Service/events-headless')!
  assert.equal(at(agent, 'spec.serviceName'), at(headless, 'metadata.name'))
  assert.equal(at(headless, 'spec.clusterIP'), 'None')
  const variables = environment(agent)
  assert.equal(
    variables.WARPSTREAM_DISCOVERY_KAFKA_HOSTNAME_OVERRIDE,
    '$(POD_NAME).events-headless.streaming.svc.cluster.local',
  )
  assert.equal(variables.WARPSTREAM_TLS_ENABLED, 'true')
  assert.equal(variables.WARPSTREAM_REQUIRE_MTLS_AUTHENTICATION, 'true')
  const names = (path: string) => list(agent, path).map(one => at(one, 'name'))
  assert.deepEqual(names('spec.template.spec.volumes'), ['certificate', 'client-ca'])
  assert.deepEqual(names(`${containerPath}.volumeMounts`), ['certificate', 'client-ca'])
})

test('control planes come with the chart on request, and agents find them', () => {
  const manifests = render({
    config: { ...config, metadataURL: '' },
    controlPlane: { enabled: true, secretName: 'control-plane' },
  })
  const plane = manifests.get('Deployment/events-control-plane')!
  assert.deepEqual(environment(plane).PENSTOCK_DATABASE_URL, {
    secretKeyRef: { name: 'control-plane', key: 'databaseURL' },
  })
  const agent = manifests.get('Deployment/events-agent')!
  assert.equal(environment(agent).WARPSTREAM_METADATA_URL, 'http://events-control-plane:9080')
  assert.ok(manifests.has('Service/events-control-plane'))
  assert.match(refusal({ config, controlPlane: { enabled: true } }), /controlPlane\.secretName is missing/)
})

test('everything that a team sets at once is valid', () => {
  const manifests = render({
    config: {
      ...config,
      agentKey: '',
      agentKeySecretKeyRef: { name: 'agent-key' },
      roles: 'proxy,jobs',
      agentGroup: 'analytics',
      managedPipelinesGroupName: 'etl',
    },
    image: { repository: 'registry.example/penstock', tag: '1.2.3', pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'registry' }],
    extraArgs: ['-kafkaPort', '9093'],
    extraEnv: [{ name: 'AWS_REGION', value: 'eu-central-1' }],
    extraEnvFrom: [{ secretRef: { name: 'bucket' } }],
    volumes: [{ name: 'scratch', emptyDir: {} }],
    volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
    kafkaService: { enabled: true, type: 'LoadBalancer', port: 9092 },
    bentoService: { enabled: true, type: 'ClusterIP', port: 4195 },
    goMaxProcs: '4',
    serviceAccount: {
      create: true,
      name: 'events',
      annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/x' },
    },
    nodeSelector: { pool: 'network' },
    tolerations: [{ key: 'dedicated', operator: 'Exists' }],
    affinity: { podAntiAffinity: {} },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway' },
    ],
    priorityClassName: 'high',
    securityContext: { runAsNonRoot: true },
    podAnnotations: { 'prometheus.io/scrape': 'true' },
    podLabels: { team: 'data' },
    autoscaling: { enabled: true, behavior: { scaleDown: { stabilizationWindowSeconds: 900 } } },
  })
  const agent = manifests.get('Deployment/events-agent')!
  assert.equal(at(agent, 'spec.replicas'), undefined, 'the autoscaler decides')
  assert.equal(at(manifests.get('HorizontalPodAutoscaler/events-agent'), 'spec.scaleTargetRef.name'), 'events-agent')
  assert.equal(at(agent, `${containerPath}.image`), 'registry.example/penstock:1.2.3')
  assert.deepEqual(at(agent, `${containerPath}.args`), ['agent', '-kafkaPort', '9093'])
  assert.equal(at(agent, 'spec.template.spec.serviceAccountName'), 'events')
  assert.equal(at(agent, 'spec.template.metadata.labels.team'), 'data')
  const variables = environment(agent)
  assert.deepEqual(variables.WARPSTREAM_AGENT_KEY, { secretKeyRef: { name: 'agent-key', key: 'agentKey' } })
  assert.equal(variables.PENSTOCK_PROCESSES, '4')
  assert.equal(at(manifests.get('Service/events-kafka'), 'spec.type'), 'LoadBalancer')
  assert.equal(at(manifests.get('Service/events-bento'), 'spec.ports.0.port'), 4195)
})

test('values of the original that cannot be honoured are refused, others are named in the notes', () => {
  assert.match(refusal({ config: { ...config, ingestionBucketURL: 's3://fast' } }), /there is one bucket/)
  assert.match(refusal({ config, certificate: { certManager: { create: true } } }), /cert-manager/)
  const file = join(folder, 'values.json')
  writeFileSync(file, JSON.stringify({ config: { ...config, playground: true }, certificate: {}, hostNetwork: true }))
  const { status, stdout, stderr } = run(helm, ['install', 'events', chart, '--dry-run=client', '--values', file])
  assert.equal(status, 0, stderr)
  assert.match(
    stdout,
    /WARNING: this chart has no such values, and they have no effect: hostNetwork, config\.playground/,
  )
})

test('Helm finds nothing to object to', () => {
  const { status, stdout, stderr } = run(helm, ['lint', '--strict', chart, '--set', settings()])
  assert.equal(status, 0, stdout + stderr)
})

function settings(): string {
  return Object.entries(config)
    .map(([name, value]) => `config.${name}=${value}`)
    .join(',')
}
