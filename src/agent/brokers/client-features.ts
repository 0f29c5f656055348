import type { AgentRole } from '../../control/index.ts'

/** The preferences that a client expresses in its client id. */
export interface ClientFeatures {
  /** The zone whose agents it prefers; empty for none. */
  readonly zone: string
  /** Only agents with this role, as long as there are any. */
  readonly proxyTarget: Extract<AgentRole, 'proxy-produce' | 'proxy-consume'> | undefined
  readonly strategy: PartitionStrategy
  /** The host name to use instead of each agent's own; empty for none. */
  readonly hostOverride: string
}

/**
 * How partitions are distributed over the agents: all on one, equal shares, or by a hash under which few of them move.
 */
export type PartitionStrategy = 'single_agent' | 'equal_spread' | 'consistent_random_jump'

const strategies: readonly string[] = ['single_agent', 'equal_spread', 'consistent_random_jump']

/**
 * Reads the features of a client id: comma-separated `key=value` pairs. Anything else is ignored, so that
 * `ws_az=us-east-1a,orders` is the client `orders` in a zone.
 */
export function clientFeatures(clientId: string | null): ClientFeatures {
  const pairs = new Map<string, string>()
  for (const part of (clientId ?? '').split(',')) {
    const [key = '', value] = part.split('=', 2)
    if (value !== undefined) pairs.set(key.trim(), value.trim())
  }
  const either = (...keys: readonly string[]) =>
    keys.map(key => pairs.get(key)).find(value => value !== undefined) ?? ''
  const target = either('warpstream_proxy_target', 'ws_pt', 'ws_proxy_target')
  const strategy = either('warpstream_partition_assignment_strategy', 'ws_pas')
  return {
    zone: either('warpstream_az', 'ws_az'),
    proxyTarget: target === 'proxy-produce' || target === 'proxy-consume' ? target : undefined,
    strategy: strategies.includes(strategy) ? (strategy as PartitionStrategy) : 'equal_spread', // checked just before
    hostOverride: either('ws_host_override', 'warpstream_host_override'),
  }
}
