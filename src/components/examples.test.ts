import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../base/index.ts'
import {
  type AnySpec,
  type ComponentKind,
  defineInput,
  defineOutput,
  deliverEach,
  field,
  lintConfig,
  Message,
  startStream,
} from '../engine/index.ts'
import { createRegistry } from './index.ts'
import { systemHost } from '../host/index.ts'

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
    else if (!startsWith(example.config, name)) assert.deepEqual(await findings(example.config), [])
  })
}

/** Whether an example is that of the component alone, and no whole configuration. */
function startsWith(config: string, name: string): boolean {
  return config.trimStart().startsWith(`${name}:`)
}

async function findings(config: string): Promise<readonly string[]> {
  const found = await lintConfig(config, { registry: createRegistry(), host: systemHost, skipEnvCheck: true })
  return found.map(({ line, text }) => `${line}: ${text}`)
}

/** What processors make of messages, each a batch of its own. */
async function run(spec: AnySpec, config: string, inputs: readonly string[]): Promise<readonly string[]> {
  const results: string[] = []
  let isRead = false
  const given = defineInput({
    name: 'given',
    summary: 'Yields the messages of an example.',
    config: field.anyObject('').default({}),
    create: () => ({
      read() {
        if (isRead) return null
        isRead = true
        return deliverEach(inputs.map(text => Message.fromText(text)))
      },
    }),
  })
  const collected = defineOutput({
    name: 'collected',
    summary: 'Keeps what came of them.',
    config: field.anyObject('').default({}),
    maxInFlight: 1,
    create: () => ({
      write(batch) {
        for (const message of batch) results.push(message.text())
      },
    }),
  })
  assert.equal(spec.kind, 'processor', 'only processors make messages of messages')
  const indented = config.trimEnd().replaceAll('\n', '\n      ')
  const text = `input: { given: {} }\npipeline:\n  processors:\n    - ${indented}\noutput: { collected: {} }\n`
  const stream = await startStream(text, {
    registry: createRegistry().extended([given, collected] as unknown as AnySpec[]),
    host: systemHost,
    clock: systemClock,
    log: nullLog,
  })
  await stream.done
  return results
}
