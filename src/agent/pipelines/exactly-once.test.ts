import assert from 'node:assert/strict'
import test from 'node:test'
import { createRegistry } from '../../components/index.ts'
import { managedComponents } from '../../control/index.ts'

test('a pipeline that requests exactly-once has it at its input and output in the cluster, and nowhere else', async () => {
  const access = { seedBroker: 'localhost:9092', clientId: 'penstock' }
  for (const exactlyOnce of [true, false]) {
    const registry = await managedComponents(createRegistry(), { ...access, exactlyOnce })
    for (const kind of ['input', 'output'] as const) {
      const defaultOf = (name: string) => registry.get(kind, name)?.config.shape.children?.['exactly_once']?.default
      assert.equal(defaultOf('kafka_franz_warpstream'), exactlyOnce)
      assert.equal(defaultOf('kafka_franz'), false)
    }
  }
})
