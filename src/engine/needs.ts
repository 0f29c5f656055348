import { type Capability, CapabilityError } from '../base/index.ts'
import type { AnySpec } from './component.ts'
import type { FieldShape } from './fields.ts'
import type { ComponentHost } from './host.ts'

/** A capability that a configuration value requires. */
export interface Need {
  readonly capability: Capability
  /** What it reaches: a path, `host:port`, a name. Absent if that depends on messages. */
  readonly target?: string
  /** For an object: the field whose value requires it. */
  readonly field?: string
}

/** The `host:port` of a URL, for needs of the network; undefined if that depends on messages. */
export function addressOfUrl(value: unknown, defaultPort?: number): string | undefined {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null || url.hostname.includes('$')) return undefined
  return `${url.hostname}:${url.port || (defaultPort ?? (url.protocol === 'https:' ? 443 : 80))}`
}

/** The unmet needs with their reasons. `refusal` is the host's verdict on a need; without it everything is granted. */
export function refusedNeeds(
  refusal: ComponentHost['refusal'],
  needs: readonly Need[],
): readonly { readonly need: Need; readonly text: string }[] {
  if (refusal === undefined) return []
  return needs.flatMap(need => {
    const text = refusal(need.capability, need.target)
    return text === undefined ? [] : [{ need, text }]
  })
}

/** The needs of a component that do not depend on its configuration. */
export function needsOf(spec: AnySpec): readonly Need[] {
  return (spec.needs ?? []).map(capability => ({ capability }))
}

const declared = new WeakMap<AnySpec, ReadonlySet<Capability>>()

/** Every capability that a component may need, by its spec and by its fields at any depth. */
export function capabilitiesOf(spec: AnySpec): ReadonlySet<Capability> {
  let found = declared.get(spec)
  if (found === undefined) {
    found = new Set([...(spec.needs ?? []), ...capabilitiesOfField(spec.config.shape)])
    declared.set(spec, found)
  }
  return found
}

function capabilitiesOfField(shape: FieldShape): readonly Capability[] {
  return [...(shape.needs?.capabilities ?? []), ...Object.values(shape.children ?? {}).flatMap(capabilitiesOfField)]
}

const parts = {
  files: 'files',
  databases: 'database_files',
  processes: 'processes',
  network: 'network',
  listen: 'listen',
  stdio: 'stdio',
} as const satisfies Partial<Record<keyof ComponentHost, Capability>>

/** The host restricted to the capabilities that a component declares. */
export function declaredHost(host: ComponentHost, spec: AnySpec): ComponentHost {
  const capabilities = capabilitiesOf(spec)
  const missing = Object.entries(parts).filter(([, capability]) => !capabilities.has(capability))
  return Object.create(
    host,
    Object.fromEntries(
      missing.map(([part, capability]) => [
        part,
        {
          get() {
            const text = `${spec.kind} ${spec.name} uses '${part}' without declaring the need`
            throw new CapabilityError('not_declared', capability, text)
          },
        },
      ]),
    ),
  ) as ComponentHost // inherits from a ComponentHost
}
