import { type AnySpec, Field, type FieldShape, type Registry } from '../../engine/index.ts'

/** What managed pipelines get automatically for access to their own cluster. */
export interface ClusterAccess {
  /** `host:port` of a Kafka port of the cluster. */
  readonly seedBroker: string
  /** Tells the cluster the zone, among other things. */
  readonly clientId: string
  /**
   * Appended to the client id, even to one that the pipeline sets: what the cluster has to know about this instance.
   */
  readonly clientIdSuffix?: string
  readonly isEncrypted?: boolean
  /** Created for this instance, if clients have to authenticate. */
  readonly login?: { readonly username: string; readonly password: string } | undefined
  /** Whether reads and writes of the pipeline in the cluster are committed together. */
  readonly exactlyOnce?: boolean
}

const base = 'kafka_franz'
const alias = 'kafka_franz_warpstream'

/**
 * The components of managed pipelines: all others, and `kafka_franz_warpstream`, which is `kafka_franz` with defaults
 * that fit the cluster.
 */
export async function managedComponents(registry: Registry, access: ClusterAccess): Promise<Registry> {
  await registry.load([base])
  const added = (['input', 'output'] as const).flatMap(kind => {
    const spec = registry.get(kind, base)
    return spec === undefined ? [] : [clusterSpec(spec, access)]
  })
  return registry.extended(added)
}

function clusterSpec(spec: AnySpec, access: ClusterAccess): AnySpec {
  const { seedBroker, clientId, clientIdSuffix = '', isEncrypted, login, exactlyOnce } = access
  const defaults: Record<string, (shape: FieldShape) => FieldShape> = {
    seed_brokers: shape => ({ ...shape, default: [seedBroker], advanced: true }),
    client_id: shape => ({ ...shape, default: clientId }),
  }
  // The agents' addresses need not be in their certificates.
  if (isEncrypted === true) {
    defaults['tls'] = shape => withChildDefaults(shape, { enabled: true, skip_cert_verify: true })
  }
  if (login !== undefined) {
    defaults['sasl'] = shape => ({ ...shape, default: [{ mechanism: 'SCRAM-SHA-512', ...login }] })
  }
  if (exactlyOnce === true) defaults['exactly_once'] = shape => ({ ...shape, default: true })
  // Records reach an object store in batches: a delay too short to notice saves most of the requests.
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
    ...(spec.create && { create: withSuffix(spec.create, clientIdSuffix) }),
  }
}

function withSuffix(create: NonNullable<AnySpec['create']>, suffix: string): NonNullable<AnySpec['create']> {
  if (suffix === '') return create
  return (config, resources) => {
    // Both belong to the component; the client id is one of its fields.
    const { client_id: clientId, ...rest } = config as { readonly client_id: string }
    // The wrapped spec accepts its own fields.
    return create({ ...rest, client_id: clientId + suffix } as never, resources)
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
