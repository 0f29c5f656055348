import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog, systemClock } from '../../base/index.ts'
import {
  type Batch,
  ConfigError,
  defineInput,
  defineProcessor,
  deliverEach,
  field,
  Message,
  MetricsStore,
  PartialFailure,
  startStream,
} from '../../engine/index.ts'
import { runCollecting } from '../collecting.suite.ts'
import { createRegistry } from '../index.ts'
import { systemHost } from '../../host/index.ts'

/** Runs a stream to its end; the `collect` output stores what `accept` does not reject. */
async function run(config: string, accept: (batch: Batch) => void = () => undefined): Promise<readonly string[]> {
  const collected: string[] = []
  await runCollecting(config, batch => {
    accept(batch)
    collected.push(batch.map(textOf).join('|'))
  })
  return collected
}

function textOf(message: Message): string {
  return message.text()
}

const numbers = (count: number, more = '') =>
  `input: { generate: { count: ${count}, interval: '', mapping: 'root.n = counter()'${more} } }\n`

test('a stream ends when its input has ended and everything is delivered', async () => {
  assert.deepEqual(await run(`${numbers(3)}output: { collect: {} }\n`), ['{"n":1}', '{"n":2}', '{"n":3}'])
})

test('a stream whose components never wait yields to others and can be stopped', async () => {
  const config = "input: { generate: { interval: '', mapping: 'root = deleted()' } }\noutput: { drop: {} }\n"
  const registry = createRegistry()
  const stream = await startStream(config, { registry, host: systemHost, clock: systemClock, log: nullLog })
  await systemClock.sleep(20)
  await stream.stop()
  await stream.done
})

test('a mapping that fails leaves the message and flags it', async () => {
  const config = `${numbers(2)}pipeline:
  processors:
    - mapping: 'root.ok = if this.n == 2 { throw("no") } else { true }'
    - catch: [ { mapping: 'root = "%s: %s".format(content().string(), error())' } ]
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['{"ok":true}', '{"n":2}: failed assignment (line 1): no'])
})

test('messages in batches of one are archived individually, a batch as one archive', async () => {
  const rest = 'pipeline: { processors: [ { archive: { format: json_array } } ] }\noutput: { collect: {} }\n'
  assert.deepEqual(await run(`${numbers(2)}${rest}`), ['[{"n":1}]', '[{"n":2}]'])
  assert.deepEqual(await run(`${numbers(2, ', batch_size: 2')}${rest}`), ['[{"n":1},{"n":2}]'])
})

test('expensive messages are processed in short runs, cheap ones in runs as they are read', async () => {
  assert.deepEqual(await runLengths(0.001), [1000, 1000])
  assert.deepEqual(await runLengths(0.1), [1000, 328, 328, 328, 16])
})

/** The lengths of the runs in which 2,000 messages of 100 bytes are processed that each take that long. */
async function runLengths(messageMs: number): Promise<readonly number[]> {
  const lengths: number[] = []
  let now = 0
  let reads = 0
  let acknowledged = 0
  const input = defineInput({
    name: 'twice_1000',
    summary: 'Two runs.',
    config: field.anyObject('').default({}),
    create: () => ({
      read: () => {
        if (reads++ === 2) return null
        const messages = Array.from({ length: 1000 }, () => Message.fromText('x'.repeat(100)))
        return deliverEach(messages, some => void (acknowledged += some.length))
      },
    }),
  })
  const processor = defineProcessor({
    name: 'slow',
    summary: 'Takes time.',
    config: field.anyObject('').default({}),
    create: () => ({
      process: batch => [batch],
      processRun: run => {
        lengths.push(run.length)
        now += run.length * messageMs
        return run
      },
    }),
  })
  const stream = await startStream(
    'input: { twice_1000: {} }\npipeline: { threads: 1, processors: [ { slow: {} } ] }\noutput: { drop: {} }\n',
    {
      registry: createRegistry().extended([input, processor]),
      host: systemHost,
      clock: { ...systemClock, monotonic: () => now },
      log: nullLog,
    },
  )
  await stream.done
  assert.equal(acknowledged, 2000)
  return lengths
}

test('only rejected messages are redelivered', async () => {
  let attempts = 0
  const delivered = await run(`${numbers(3, ', batch_size: 3')}output: { collect: {} }\n`, batch => {
    attempts++
    if (attempts === 1) throw new PartialFailure(new Map([[batch[1]!, new Error('busy')]]))
  })
  assert.deepEqual(delivered, ['{"n":2}'])
})

test('a rejected part of an expanded message redelivers the source message', async () => {
  let attempts = 0
  const config = `${numbers(2, ', batch_size: 2')}pipeline:
  processors:
    - mapping: 'root = [this.n, this.n * 10]'
    - unarchive: { format: json_array }
output: { collect: {} }
`
  const delivered = await run(config, batch => {
    attempts++
    if (attempts === 1) throw new PartialFailure(new Map([[batch[2]!, new Error('busy')]]))
  })
  assert.deepEqual(delivered, ['2|20'])
})

test('a fallback output receives only failed messages, with the reason', async () => {
  const config = `${numbers(2)}output:
  fallback:
    - switch: { cases: [ { check: this.n == 1, output: { drop: {} } }, { output: { reject: 'no ${'${! json("n") }'}' } } ] }
    - collect: {}
      processors: [ { mapping: 'root = metadata("fallback_error")' } ]
`
  assert.deepEqual(await run(config), ['no 2'])
})

test('a branch maps its result back and leaves failed messages unchanged', async () => {
  const config = `${numbers(2)}pipeline:
  processors:
    - branch:
        request_map: 'root = this.n'
        processors: [ { mapping: 'root = if this == 2 { throw("x") } else { this + 1 }' } ]
        result_map: 'root.next = this'
    - mapping: 'root = this.assign({"failed": errored()})'
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['{"failed":false,"n":1,"next":2}', '{"failed":true,"n":2}'])
})

test('a policy collects messages, and the end of the input delivers the rest', async () => {
  const config = `input:
  batched:
    child: { generate: { count: 5, interval: '', mapping: 'root = counter()' } }
    policy: { count: 2 }
output: { collect: {} }
`
  assert.deepEqual(await run(config), ['1|2', '3|4', '5'])
})

test('an input that ends does not flush the batches of inputs still running', async () => {
  const generate = (key: string, count: number, interval: string) =>
    `    - generate: { count: ${count}, interval: '${interval}', mapping: 'root = "${key}"' }\n`
  const inputs = `input:
  broker:
${'BATCHING'}
    inputs:
    - broker:
        copies: 2
        inputs:
    ${generate('a', 2, '20ms')}${generate('b', 1, '')}`
  const letters = (batch: string) => batch.split(/[| ]/).toSorted().join('')
  const collected = async (batching: string, output: string) => {
    const batches = await run(`${inputs.replace('BATCHING', batching)}output:\n${output}`)
    return batches.map(letters)
  }
  assert.deepEqual(await collected('    batching: { count: 50 }', '  collect: {}\n'), ['aaaab'])
  assert.deepEqual(await collected('    batching: { count: 5 }', '  collect: {}\n'), ['aaaab'])
  const output = '  broker:\n    batching: { count: 50 }\n    outputs: [ { collect: {} } ]\n'
  assert.deepEqual(await collected('    copies: 1', output), ['aaaab'])
})

test('the memory buffer forwards every message', async () => {
  assert.deepEqual(await run(`${numbers(2)}buffer: { memory: {} }\noutput: { collect: {} }\n`), ['{"n":1}', '{"n":2}'])
})

test('dedupe drops messages whose key is in its cache', async () => {
  const config = `input: { generate: { count: 4, interval: '', mapping: 'root = counter() % 2' } }
pipeline: { processors: [ { dedupe: { cache: seen, key: '${'${! content() }'}' } } ] }
output: { collect: {} }
cache_resources: [ { label: seen, memory: {} } ]
`
  assert.deepEqual(await run(config), ['1', '0'])
})

test('a resource that does not exist keeps the stream from starting', async () => {
  const config = `${numbers(1)}pipeline: { processors: [ { resource: nope } ] }\noutput: { collect: {} }\n`
  await assert.rejects(run(config), (error: unknown) => error instanceof ConfigError && /nope/.test(error.message))
})

test('a stream that is stopped closes although its input has no end', async () => {
  const registry = createRegistry()
  const text = "input: { generate: { interval: 1h, mapping: 'root = 1' } }\noutput: { drop: {} }\n"
  const stream = await startStream(text, { registry, host: systemHost, clock: systemClock, log: nullLog })
  await stream.stop(2000)
  await stream.done
})

for (const around of [
  'retry: { output: OUTPUT }',
  'fallback: [ OUTPUT ]',
  'drop_on: { error: false, output: OUTPUT }',
]) {
  const name = around.slice(0, around.indexOf(':'))
  const batching = (count: number) => `{ broker: { outputs: [ { collect: {} } ], batching: { count: ${count} } } }`
  const unhurried = numbers(130).replace("interval: ''", 'interval: 1ms')

  test(`${name} lets the inner output fill a batch`, async () => {
    const batches = await run(`${unhurried}output: { ${around.replace('OUTPUT', batching(64))} }\n`)
    assert.deepEqual(
      batches.map(batch => batch.split('|').length),
      [64, 64, 2],
    )
  })

  test(`${name} does not stall on a batch larger than its in-flight limit`, async () => {
    const batches = await run(`${unhurried}output: { ${around.replace('OUTPUT', batching(100))} }\n`)
    assert.deepEqual(
      batches.flatMap(batch => batch.split('|')),
      Array.from({ length: 130 }, (_, index) => `{"n":${index + 1}}`),
    )
  })
}

test('a message is counted once, by the output that delivers it and not by those around it', async () => {
  const store = new MetricsStore()
  const config = `${numbers(3)}pipeline: { processors: [ { mapping: 'root = if this.n == 2 { throw("no") } else { this }' } ] }
output: { fallback: [ { reject_errored: { drop: {} } }, { drop: {} } ] }
`
  const registry = createRegistry()
  const options = { registry, host: systemHost, clock: systemClock, log: nullLog, metrics: store.metrics }
  await (await startStream(config, options)).done
  const counted = (name: string) =>
    store
      .samples()
      .filter(sample => sample.name === name && sample.value > 0)
      .map(({ labels, value }) => [labels['path'], value])
  assert.deepEqual(counted('output_sent'), [
    ['root.output.fallback.0.reject_errored', 2],
    ['root.output.fallback.1', 1],
  ])
  assert.deepEqual(counted('output_error'), [])
  assert.deepEqual(counted('processor_error'), [['root.pipeline.processors.0', 1]])
})

test('batch processors set the source of an error as in the original', async () => {
  const config = (failing: string) => `input: { generate: { count: 1, interval: '', mapping: 'root = "no json"' } }
pipeline:
  processors:
    - label: failing
      ${failing}
    - mapping: 'root = [error_source_label(), error_source_path(), error_source_type(), errored()]'
output: { collect: {} }
`
  const named = (type: string) => [`["failing","pipeline.processors.0","${type}",true]`]
  assert.deepEqual(await run(config(`mapping: 'root = this.a'`)), named('mapping'))
  assert.deepEqual(await run(config(`mutation: 'root.b = this.a'`)), named('mutation'))
  for (const failing of [
    'jq: { query: .a }',
    'grok: { expressions: [ "%{IP:ip}" ] }',
    'decompress: { algorithm: gzip }',
  ]) {
    assert.deepEqual(await run(config(failing)), ['[null,null,null,true]'], failing)
  }
})
