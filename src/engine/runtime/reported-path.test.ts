import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportedPath } from './reported-path.ts'

const paths: readonly (readonly [written: string, reported: string])[] = [
  ['pipeline.processors.0.try.1', 'pipeline.processors.0.try.1'],
  ['processor_resources.3', 'processor_resources'],
  ['processor_resources.3.try.1.switch.0.processors.2', 'processor_resources.try.1.switch.processors.2'],
  ['pipeline.processors.1.group_by.0.processors.0', 'pipeline.processors.1.group_by.processors.0'],
  ['pipeline.processors.1.workflow.branches.one.processors.0', 'pipeline.processors.1.workflow.processors.0'],
  ['output.fallback.0.switch.cases.2.output', 'output.fallback.0.switch.output'],
  ['input.sequence.inputs.1.processors.0', 'input.sequence.processors.0'],
  ['output.broker.outputs.1.http_client.batching.processors.0', 'output.broker.outputs.1.batching.processors.0'],
  ['input.batched.policy.processors.0', 'input.batching.processors.0'],
  ['buffer.memory.batch_policy.processors.0', 'buffer.batching.processors.0'],
  ['input.dynamic.inputs.switch.processors.0', 'input.dynamic.inputs.switch.processors.0'],
]

for (const [written, reported] of paths) {
  test(`an event in ${written} is reported with the original's path`, () => {
    assert.equal(reportedPath(written), reported)
  })
}
