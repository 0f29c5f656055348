import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DescribePipelineResponse } from '../../api/types.ts'
import { compare } from './comparison.ts'

const versions = ['a', 'b', 'c'].map((text, version) => ({ id: text, version, configuration_yaml: text }))

function pipeline(deployed: string): DescribePipelineResponse {
  const overview = { id: 'p', name: 'p', state: 'paused', type: 'bento', deployed_configuration_id: deployed } as const
  return { pipeline_overview: overview, pipeline_configurations: versions }
}

test('compares a version with the deployed one, and the deployed one with its predecessor', () => {
  assert.equal(compare(pipeline('b'), undefined, versions[2], { isDirty: false, text: '' }).defaultLeft, 1)
  assert.equal(compare(pipeline('b'), undefined, versions[1], { isDirty: false, text: '' }).defaultLeft, 0)
  assert.equal(compare(pipeline('a'), undefined, versions[0], { isDirty: false, text: '' }).defaultLeft, 0)
})

test('the draft, if there is one, is the right side', () => {
  const { left, right } = compare(pipeline('a'), 2, versions[1], { isDirty: true, text: 'new' })
  assert.deepEqual([left?.label, right?.label, right?.text], ['Version 2', 'Draft', 'new'])
})

test('opens no comparison unless requested, and none without something to compare with', () => {
  assert.equal(compare(pipeline('a'), undefined, versions[1], { isDirty: false, text: '' }).left, undefined)
  const alone = { ...pipeline('a'), pipeline_configurations: versions.slice(0, 1) }
  assert.equal(compare(alone, 0, versions[0], { isDirty: false, text: '' }).left, undefined)
})
