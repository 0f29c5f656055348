import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkContract, findingsOf } from './contract.ts'
import { runsSuite } from './generators/components-registry.ts'

test("the engine's words for runs and lineage are reported outside the engine, each with its position", () => {
  const lines = [
    'const a = 1',
    'if (batch.solo) return',
    'message.withOrigin(other)',
    'throw new BatchError(3)',
    'isRun(x)',
  ]
  const findings = findingsOf('src/components/x.ts', lines.join('\n'))
  assert.deepEqual(
    findings.map(finding => finding.split(' belongs')[0]),
    [2, 3, 4, 5].map(
      (line, at) => `src/components/x.ts:${line}: '${['solo', 'withOrigin', 'BatchError', 'isRun'][at]}'`,
    ),
  )
})

test('no file outside the engine uses them', () => {
  assert.deepEqual(checkContract(), [])
})

test('a component counts as tested only where a suite is called with its name', () => {
  const direct = "inputContract('a', rig, {})\noutputContract('b', rig, {})\nconst other = 'c'"
  assert.deepEqual(
    ['a', 'b', 'c'].map(name => runsSuite(direct, 'inputContract', name)),
    [true, false, false],
  )
  const list = "for (const name of ['a', 'b'] as const) {\n  inputContract(name, rig, {})\n}\nconst other = 'c'"
  assert.deepEqual(
    ['a', 'b', 'c'].map(name => runsSuite(list, 'inputContract', name)),
    [true, true, false],
  )
  const table =
    "const harnesses = {\n  a: { config: '' },\n}\nfor (const [name, harness] of all) processorContract(name, rig, harness)"
  assert.deepEqual(
    ['a', 'b'].map(name => runsSuite(table, 'processorContract', name)),
    [true, false],
  )
  assert.equal(runsSuite(table, 'inputContract', 'a'), false)
})
