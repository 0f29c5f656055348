import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRegistry } from '../components/index.ts'
import { cueSource } from './cue.ts'
import { fullSchema } from './full-schema.ts'

const registry = createRegistry()
await registry.loadAll()

test('the full schema has every component with its fields, as the original writes them', () => {
  const { inputs, caches } = fullSchema(registry, { status: '' })
  assert.deepEqual(
    inputs.map(({ name }) => name),
    registry.names('input'),
  )
  const memory = caches.find(({ name }) => name === 'memory')!
  assert.deepEqual(
    [memory.type, memory.status, memory.plugin, memory.config.type, memory.config.kind],
    ['cache', 'stable', true, 'object', 'scalar'],
  )
  const { description: _, ...ttl } = memory.config.children!.find(({ name }) => name === 'default_ttl')!
  assert.deepEqual(ttl, { name: 'default_ttl', type: 'string', kind: 'scalar', default: '5m' })
})

test('the full schema can leave out texts and other statuses', () => {
  const schema = fullSchema(registry, { status: 'beta', scrubbed: true })
  const all = [...schema.inputs, ...schema.outputs, ...schema.processors, ...schema['bloblang-methods']]
  assert.ok(all.length > 5)
  assert.ok(all.every(({ status }) => status === 'beta'))
  assert.doesNotMatch(JSON.stringify(schema), /"(description|summary|examples)"/)
})

test('the CUE definition names kinds as the original does and marks what may be left out', () => {
  const source = cueSource(fullSchema(registry, { status: '' }))
  for (const line of [
    'package bento',
    '#Config: {',
    '#AllInputs: {',
    '#Input: or([for name, config in #AllInputs {',
    '#AllMetrics: {',
    '\tprocessors?: [...#Processor]',
    '\tnoop: {...}',
    '\tresource: string',
    '\ttry: [...#Processor]',
    '\t\tbranches?: {[string]: {',
    '\t\t\tresult_map?: string',
    '\t\tinterval?: string',
    '\t\tmapping: string',
  ]) {
    assert.ok(source.includes(`${line}\n`), line)
  }
})
