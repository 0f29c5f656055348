import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MetricsStore, startStream } from '../../engine/index.ts'
import { nullLog, systemClock } from '../../base/index.ts'
import { systemHost } from '../../host/index.ts'
import { runCollecting } from '../collecting.suite.ts'
import { createRegistry } from '../index.ts'

const input = "input: { generate: { count: 1, interval: '', mapping: root.n = 1 } }\n"
const output = 'output: { collect: {} }\n'
const processor = (text: string) => `${input}pipeline: { processors: [ { ${text} } ] }\n${output}`

/** Configurations that the original accepts when it parses them and rejects when it creates the component. */
const refused: readonly (readonly [what: string, config: string, reason: RegExp])[] = [
  ['an empty mapping', processor("mapping: ''"), /expected import, map, or assignment/],
  ['an empty mutation', processor("mutation: ''"), /expected import, map, or assignment/],
  ['an empty check of a group', processor("group_by: [ { check: '' } ]"), /expected import, map, or assignment/],
  ['a generator without a mapping', `input: { generate: { mapping: '' } }\n${output}`, /expected import, map/],
  ['an empty jq query', processor("jq: { query: '' }"), /missing query/],
  [
    'a batch that nothing completes',
    `input: { batched: { child: { generate: { count: 1, mapping: root = 1 } }, policy: { count: 0 } } }\n${output}`,
    /batch policy must have at least one active trigger/,
  ],
  [
    'a buffer that nothing completes a batch of',
    `${input}buffer: { memory: { batch_policy: { enabled: true } } }\n${output}`,
    /batch policy must have at least one active trigger/,
  ],
  [
    'a memory cache without a time to live',
    `${input}${output}cache_resources: [ { label: c, memory: { default_ttl: '' } } ]\n`,
    /invalid duration ""/,
  ],
  [
    'chunks of no size',
    `input: { file: { paths: [ x ], scanner: { chunker: { size: 0 } } } }\n${output}`,
    /at least 1/,
  ],
  ['an operation of xml that does not exist', processor('xml: {}'), /operator not recognised: $/],
  [
    'batches of no message',
    `input: { generate: { batch_size: 0, mapping: root = 1 } }\n${output}`,
    /batch_size must be at least 1, not 0/,
  ],
  [
    'an output that may write nothing',
    `${input}output: { cache: { target: c, max_in_flight: 0 } }\ncache_resources: [ { label: c, memory: {} } ]\n`,
    /invalid maxInFlight parameter: 0/,
  ],
]

for (const [what, config, reason] of refused) {
  test(`${what} is refused when the stream starts`, async () => {
    await assert.rejects(
      runCollecting(config, () => undefined),
      reason,
    )
  })
}

test('an optional mapping may be empty', async () => {
  const texts: string[] = []
  await runCollecting(
    processor("switch: [ { check: '', processors: [ { mapping: root.n = this.n + 1 } ] } ]"),
    batch => void texts.push(...batch.map(message => message.text())),
  )
  assert.deepEqual(texts, ['{"n":2}'])
})

test('a generator with a negative count ends immediately', async () => {
  let count = 0
  await runCollecting(
    `input: { generate: { count: -1, interval: '', mapping: root = 1 } }\n${output}`,
    () => void count++,
  )
  assert.equal(count, 0)
})

test('a message is counted as received once, by its source input', async () => {
  const metrics = new MetricsStore()
  const config = `input:
  sequence:
    inputs:
      - generate: { count: 2, interval: '', mapping: root = 1 }
      - broker: { inputs: [ { generate: { count: 3, interval: '', mapping: root = 1 } } ], batching: { count: 3 } }
output: { drop: {} }
`
  const registry = createRegistry()
  const stream = await startStream(config, {
    registry,
    host: systemHost,
    clock: systemClock,
    log: nullLog,
    metrics: metrics.metrics,
  })
  await stream.done
  const samples = metrics.samples()
  const received = samples.filter(({ name }) => name === 'input_received')
  assert.equal(
    received.reduce((sum, { value }) => sum + value, 0),
    5,
  )
  // All four exist from the start.
  const created = samples
    .filter(({ name }) => name === 'batch_created')
    .map(({ labels, value }) => [labels['mechanism'], value])
  assert.deepEqual(Object.fromEntries(created), { count: 1, size: 0, check: 0, period: 0 })
})
