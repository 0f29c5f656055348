import { createRegistry } from '../components/index.ts'
import type { AnySpec, Registry } from '../engine/index.ts'

/** Where `kafka_franz_warpstream` finds a cluster when it runs outside one: a playground or agent on this machine. */
const localCluster = { seedBroker: 'localhost:9092', clientId: 'penstock' }

/**
 * The components of the command line: all of them, and `kafka_franz_warpstream` of managed pipelines, which there uses
 * the cluster named by `seed_brokers` or one on this machine. A pipeline's configuration can thus be checked and tried
 * as is.
 */
export function commandLineRegistry(): Registry {
  const load = (kind: 'input' | 'output') => async () => {
    const { managedComponents } = await import('../control/index.ts')
    const managed = await managedComponents(createRegistry(), localCluster)
    return { default: managed.get(kind, 'kafka_franz_warpstream')! satisfies AnySpec }
  }
  return createRegistry({
    input: { kafka_franz_warpstream: load('input') },
    output: { kafka_franz_warpstream: load('output') },
  })
}
