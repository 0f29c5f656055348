import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnySpec, type ComponentKind, lintConfig } from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'
import { processed } from './processor.suite.ts'

const KINDS: readonly ComponentKind[] = ['input', 'output', 'processor', 'cache', 'buffer', 'rate_limit', 'scanner']

const registry = createRegistry()
await registry.loadAll()
const examples = KINDS.flatMap(kind =>
  registry.names(kind).flatMap(name => {
    const spec = registry.get(kind, name)
    return (spec?.examples ?? []).map(example => ({ kind, name, spec: spec!, example }))
  }),
)

for (const { kind, name, spec, example } of examples) {
  test(`${kind} ${name}: ${example.title}`, async () => {
    if (example.input !== undefined) assert.deepEqual(await run(spec, example.config, example.input), example.output)
    else assert.deepEqual(await findings(example.config), [])
  })
}

async function findings(config: string): Promise<readonly string[]> {
  const found = await lintConfig(config, { registry: createRegistry(), host: systemHost, skipEnvCheck: true })
  return found.map(({ line, text }) => `${line}: ${text}`)
}

/** The result of processors for messages that each form their own batch. */
async function run(spec: AnySpec, config: string, inputs: readonly string[]): Promise<readonly string[]> {
  assert.equal(spec.kind, 'processor', 'only processors make messages of messages')
  return (await processed(config, inputs)).map(({ text }) => text)
}
