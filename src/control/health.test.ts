import assert from 'node:assert/strict'
import test from 'node:test'
import type { InstanceReport } from './agent-link.ts'
import { type HealthInput, healthOf } from './health.ts'

function instance(state: InstanceReport['state'], more: Partial<InstanceReport> = {}): InstanceReport {
  return {
    instanceId: 'ins',
    pipelineId: 'pi',
    configurationId: 'v0',
    version: 0,
    state,
    since: 0,
    restarts: 0,
    nextStartAt: null,
    error: null,
    problem: null,
    counters: { input_received: 0, output_sent: 0, input_errors: 0, output_errors: 0, processor_errors: 0 },
    memoryBytes: 0,
    cpu: 0,
    ...more,
  }
}

const now = 1_000_000
const quiet = { input_received: 0, output_sent: 0, input_errors: 0, output_errors: 0, processor_errors: 0 }
const failed = instance('backing_off', { error: { code: 'stream', message: 'no route', at: 0 } })

function health(more: Partial<HealthInput>): string {
  const wanted = {
    state: 'running',
    deployedConfigurationId: 'v0',
    pipelineGroup: '',
    wanted: 1,
    completed: 0,
    recent: quiet,
    now,
  } as const
  const { health: found, explanation } = healthOf({ ...wanted, instances: [], ...more })
  return explanation === null ? found : `${found}: ${explanation}`
}

test('the health of a pipeline follows from that of its instances', () => {
  assert.equal(health({ state: 'paused' }), 'paused')
  assert.equal(health({ state: 'paused', instances: [instance('stopping')] }), 'paused: 1 instance still stopping')
  assert.equal(health({}), 'starting: instances are starting')
  assert.equal(health({ instances: [instance('running')] }), 'running')
  const hindered = instance('running', { problem: 'input not connected: no route' })
  assert.equal(health({ instances: [hindered] }), 'degraded: input not connected: no route')
  assert.equal(health({ instances: [failed] }), 'failing: 1 instance of 1 not running: no route')
  assert.equal(
    health({ wanted: 2, instances: [instance('running'), failed] }),
    'degraded: 1 instance of 2 not running: no route',
  )
  assert.equal(health({ completed: 1 }), 'completed: every instance has reached the end of its input')
  assert.equal(health({ wanted: 0 }), 'waiting: no agent without a pipeline group is connected')
  assert.equal(health({ wanted: 0, pipelineGroup: 'a' }), 'waiting: no agent of the pipeline group "a" is connected')
})

test('a pipeline is changing over while an earlier version still runs', () => {
  const input = { deployedConfigurationId: 'v1', instances: [instance('running')] }
  assert.equal(health(input), 'starting: changing over to the deployed version')
})

test('an instance restarted after a failure counts as degraded at first', () => {
  const { error } = failed
  const back = 'degraded: restarted a moment ago: no route'
  assert.equal(health({ instances: [instance('running', { error, since: now - 1000 })] }), back)
  assert.equal(health({ instances: [instance('running', { error, since: now - 60_000 })] }), 'running')
})

test('a pipeline is running between two scheduled runs', () => {
  assert.equal(health({ instances: [instance('completed', { nextStartAt: 1 })] }), 'running')
})

test('a running pipeline that delivers no messages is failing', () => {
  const instances = [instance('running')]
  const refused = { ...quiet, input_received: 3, output_errors: 4 }
  const message = 'failing: no message has been delivered lately: 4 failed writes'
  assert.equal(health({ instances, recent: refused }), message)
  const broken = { ...quiet, input_received: 3, output_sent: 3, processor_errors: 3 }
  assert.equal(health({ instances, recent: broken }), 'failing: processors failed 3 times for 3 messages lately')
  const mixed = { ...quiet, input_received: 3, output_sent: 2, output_errors: 4, processor_errors: 1 }
  assert.equal(health({ instances, recent: mixed }), 'running')
  assert.equal(health({ instances, recent: { ...quiet, input_received: 9 } }), 'running')
  assert.equal(health({ state: 'paused', instances: [], recent: refused }), 'paused')
})
