import assert from 'node:assert/strict'
import test from 'node:test'
import { createRegistry } from '../../components/index.ts'
import { managedComponents } from '../../control/index.ts'
import type { AnySpec } from '../../engine/index.ts'

test('the fence of an instance is appended to the client id, even to one that the pipeline sets', async () => {
  const registry = createRegistry()
  await registry.load(['kafka_franz'])
  const created: unknown[] = []
  // Instead of connecting, they record what they are created with.
  const watched = (['input', 'output'] as const).map(kind => {
    const create: AnySpec['create'] = (config: unknown) => created.push(config)
    return { ...registry.get(kind, 'kafka_franz')!, create }
  })
  const access = { seedBroker: 'localhost:9092', clientId: 'penstock', clientIdSuffix: ',penstock_fence=1@l' }
  const managed = await managedComponents(registry.extended(watched), access)
  // The arguments are recorded, and nothing is created.
  const [config, resources] = [{ client_id: 'mine', topic: 't' } as never, {} as never]
  for (const kind of ['input', 'output'] as const)
    for (const name of ['kafka_franz_warpstream', 'kafka_franz'])
      await managed.get(kind, name)?.create?.(config, resources)
  const plain = { client_id: 'mine', topic: 't' }
  const fenced = { client_id: 'mine,penstock_fence=1@l', topic: 't' }
  assert.deepEqual(created, [fenced, plain, fenced, plain])
})
