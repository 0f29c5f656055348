import assert from 'node:assert/strict'
import test from 'node:test'
import { readSettings } from './settings.ts'

const stream = 'input:\n  generate:\n    mapping: root = 1\noutput:\n  drop: {}\n'

test('without a block there is one instance on each agent', () => {
  const { settings, findings, streamText } = readSettings(stream)
  assert.deepEqual(settings, {
    concurrency: { scope: 'agent', count: 1 },
    pipelineGroup: '',
    runEveryMs: null,
    exactlyOnce: false,
  })
  assert.deepEqual(findings, [])
  assert.equal(streamText, stream)
})

test('the block is read and removed, and everything else keeps its position', () => {
  const block =
    'warpstream:\n  cluster_concurrency_target: 3\n  pipeline_group: blue # the big ones\n  exactly_once: true\n  scheduling:\n    run_every: 1m30s\n'
  const { settings, findings, streamText } = readSettings(block + stream)
  assert.deepEqual(findings, [])
  assert.deepEqual(settings.concurrency, { scope: 'cluster', count: 3 })
  assert.equal(settings.pipelineGroup, 'blue')
  assert.equal(settings.runEveryMs, 90_000)
  assert.equal(settings.exactlyOnce, true)
  assert.equal(streamText.length, block.length + stream.length)
  assert.equal(streamText.trim(), stream.trim())
  assert.equal(streamText.split('\n').indexOf('output:'), 9)
})

test('a block in braces and an empty block are removed too', () => {
  assert.equal(
    readSettings('{input: {a: 1}, warpstream: {agent_concurrency_target: 2}}').streamText.replaceAll(' ', ''),
    '{input:{a:1}}',
  )
  assert.equal(
    readSettings('{warpstream: {agent_concurrency_target: 2}, input: {a: 1}}').streamText.replaceAll(' ', ''),
    '{input:{a:1}}',
  )
  assert.equal(readSettings(`${stream}warpstream:\n`).streamText.trim(), stream.trim())
  assert.equal(readSettings(`${stream}warpstream: {}\n`).streamText.trim(), stream.trim())
})

test('reports errors in the block with their positions', () => {
  const text = `${stream}warpstream:\n  cluster_concurency_target: 1\n  agent_concurrency_target: 0\n  cluster_concurrency_target: 2\n  scheduling:\n    run_every: soon\n`
  const { findings } = readSettings(text)
  assert.deepEqual(
    findings.map(({ line, column, message }) => `${line}:${column} ${message}`),
    [
      '7:3 field cluster_concurency_target not recognised',
      '8:29 agent_concurrency_target has to be a whole number from 1 to 1024',
      '11:16 run_every is not a duration: "soon"',
      '9:3 cluster_concurrency_target, agent_concurrency_target, exact_concurrency exclude each other',
    ],
  )
})

test('a block that is not an object is an error', () => {
  assert.deepEqual(
    readSettings('warpstream: 5\n').findings.map(({ message }) => message),
    ['expected object value, got number'],
  )
})

test('exact_concurrency asks for that many instances in the whole cluster', () => {
  const { settings, findings } = readSettings(`${stream}warpstream:\n  exact_concurrency: 2\n`)
  assert.deepEqual([settings.concurrency, findings], [{ scope: 'exact', count: 2 }, []])
})
