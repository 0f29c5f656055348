import { type AnySpec, Field, field, type FieldShape, type Registry } from '../../engine/index.ts'

/** What managed pipelines get by themselves when they reach the cluster that they belong to. */
export interface ClusterAccess {
  /** `host:port` of a Kafka port of the cluster. */
  readonly seedBroker: string
  /** Tells the cluster the zone, among other things. */
  readonly clientId: string
}

const base = 'kafka_franz'
const alias = 'kafka_franz_warpstream'

/** Components that reach into the host on which an agent runs. */
const ofTheHost = [
  ...['file', 'csv', 'file_tail', 'fsevent', 'parquet', 'stdin', 'subprocess'].map(name => ['input', name] as const),
  ...['file', 'stdout', 'subprocess'].map(name => ['output', name] as const),
  ...['command', 'file', 'subprocess', 'wasm', 'python'].map(name => ['processor', name] as const),
  ['cache', 'file'] as const,
]

/**
 * The components of managed pipelines: `kafka_franz_warpstream` beside the others, which is `kafka_franz` whose defaults
 * fit the cluster, and without access to the host those that reach into it refuse to.
 */
export async function managedComponents(
  registry: Registry,
  access: ClusterAccess,
  hostAccess: boolean,
): Promise<Registry> {
  await registry.load([base, ...(hostAccess ? [] : ofTheHost.map(([, name]) => name))])
  const added = (['input', 'output'] as const).flatMap(kind => {
    const spec = registry.get(kind, base)
    return spec === undefined ? [] : [clusterSpec(spec, access)]
  })
  const refused = hostAccess ? [] : ofTheHost.flatMap(([kind, name]) => registry.get(kind, name) ?? []).map(refusing)
  return registry.extended([...added, ...refused])
}

function clusterSpec(spec: AnySpec, { seedBroker, clientId }: ClusterAccess): AnySpec {
  const defaults: Record<string, (shape: FieldShape) => FieldShape> = {
    seed_brokers: shape => ({ ...shape, default: [seedBroker], advanced: true }),
    client_id: shape => ({ ...shape, default: clientId }),
  }
  // Records travel to an object store in batches: a wait too short to notice saves most of the requests.
  if (spec.kind === 'output') {
    defaults['batching'] = shape => withChildDefaults(shape, { count: 1000, byte_size: 1_000_000, period: '10ms' })
    defaults['max_message_bytes'] = shape => ({ ...shape, default: '16MB' })
  }
  const { shape } = spec.config
  const children = Object.fromEntries(
    Object.entries(shape.children ?? {}).map(([name, child]) => [name, defaults[name]?.(child) ?? child]),
  )
  return {
    ...spec,
    name: alias,
    summary: `${spec.summary.replace(/\.$/, '')}, of the cluster that the pipeline belongs to.`,
    config: new Field<unknown>({ ...shape, children }),
  }
}

function withChildDefaults(shape: FieldShape, defaults: Readonly<Record<string, unknown>>): FieldShape {
  const children = Object.fromEntries(
    Object.entries(shape.children ?? {}).map(([name, child]) =>
      Object.hasOwn(defaults, name) ? [name, { ...child, default: defaults[name] }] : [name, child],
    ),
  )
  return { ...shape, children }
}

/** The component stays known, and says why it cannot be used. */
function refusing(spec: AnySpec): AnySpec {
  const reason = `${spec.kind} ${spec.name} reaches into the agent's host, which managed pipelines may not do (start the agent with -enablePipelinesHostAccess to allow it)`
  const { create: _create, ...known } = spec
  return { ...known, config: field.any(spec.config.shape.description).lint(() => reason) }
}
