import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '../../base/index.ts'
import type { InstanceOrder, LogReport } from '../../control/index.ts'
import { Supervisor } from './supervisor.ts'
import { until } from '../../base/until.suite.ts'

const socketFolder = mkdtempSync(join(tmpdir(), 'penstock-supervisor-'))
after(() => rmSync(socketFolder, { recursive: true }))

const lines: LogReport[] = []
/** The current epoch of this test's fences. */
const fenceEpoch = 2
const supervisor = new Supervisor({
  seedBroker: '127.0.0.1:1',
  kafkaAccess: { isEncrypted: false, logins: undefined },
  raiseFence: async ({ epoch }) => epoch >= fenceEpoch,
  clientId: 'test',
  policy: { grants: [], ownPorts: [] },
  limits: { memoryMb: 128, silentMs: 20_000, graceMs: 2000 },
  startsAtOnce: 2,
  socketFolder,
  http: undefined,
  clock: systemClock,
  onLog: line => lines.push(line),
  onChange: () => {},
})
after(() => supervisor.close())

function order(instanceId: string, generate: string, more: Partial<InstanceOrder> = {}): InstanceOrder {
  const yaml = `input:\n  generate:\n    mapping: root = "x"\n    ${generate}\noutput:\n  drop: {}\n`
  const fixed = { instanceId, pipelineId: 'pi', pipelineName: 'p', configurationId: 'v0', version: 0, completed: false }
  return { ...fixed, fence: null, yaml, ...more }
}

test('an instance runs to completion, is counted, and is kept until it is no longer wanted', async () => {
  supervisor.follow([order('ins_1', 'count: 5\n    interval: ""')])
  await until(() => supervisor.reports[0]?.state === 'completed')
  assert.equal(supervisor.reports[0]!.counters.output_sent, 5)
  assert.ok(lines.some(({ instanceId }) => instanceId === 'ins_1'))
  supervisor.follow([])
  await until(() => supervisor.reports.length === 0)
  const [ended] = supervisor.takeEnded()
  assert.equal(ended!.counters.output_sent, 5)
  assert.deepEqual(supervisor.takeEnded(), [])
})

test('an instance known to have completed is not started again', () => {
  supervisor.follow([order('ins_2', 'count: 5', { completed: true })])
  assert.deepEqual(supervisor.reports, [])
})

test('an instance that another agent has taken over is not started', async () => {
  const fenced = (epoch: number) => order(`ins_f${epoch}`, 'interval: 10ms', { fence: { lease: 'l', epoch } })
  supervisor.follow([fenced(1)])
  await until(() => supervisor.reports[0]?.state === 'backing_off')
  assert.equal(supervisor.reports[0]!.error!.message, 'another agent runs this instance now')
  assert.equal(supervisor.reports[0]!.counters.input_received, 0)
  supervisor.follow([fenced(2)])
  await until(() => supervisor.reports.some(({ state, counters }) => state === 'running' && counters.output_sent > 0))
  supervisor.follow([])
  await until(() => supervisor.reports.length === 0)
  supervisor.takeEnded()
})

test('a new version starts only after the previous one has stopped', async () => {
  supervisor.follow([order('ins_3', 'interval: 10ms')])
  await until(() => supervisor.reports[0]?.state === 'running')
  supervisor.follow([order('ins_3', 'interval: 20ms', { configurationId: 'v1', version: 1 })])
  assert.deepEqual(
    supervisor.reports.map(({ version, state }) => `${version} ${state}`),
    ['0 stopping'],
  )
  await until(() => supervisor.reports[0]?.version === 1 && supervisor.reports[0].state === 'running')
  // The same work under another instance's name waits, too.
  supervisor.follow([order('ins_4', 'interval: 20ms', { configurationId: 'v1', version: 1 })])
  assert.deepEqual(
    supervisor.reports.map(({ instanceId }) => instanceId),
    ['ins_3'],
  )
  await until(() => supervisor.reports[0]?.instanceId === 'ins_4' && supervisor.reports[0].state === 'running')
  supervisor.follow([])
  await until(() => supervisor.reports.length === 0)
})

test('an instance that cannot reach its source is running and reports the problem', async () => {
  const yaml = 'input:\n  kafka_franz_warpstream:\n    topics: [ a ]\noutput:\n  drop: {}\n'
  supervisor.follow([order('ins_5', '', { yaml })])
  await until(() => supervisor.reports[0]?.problem?.startsWith('input not connected: ') === true)
  assert.equal(supervisor.reports[0]!.state, 'running')
  await until(() => supervisor.reports[0]!.counters.input_errors > 1)
  supervisor.follow([])
  await until(() => supervisor.reports.length === 0)
})

test('counts failed reads', async () => {
  const yaml = 'input:\n  generate:\n    interval: 10ms\n    mapping: root = throw("no")\noutput:\n  drop: {}\n'
  supervisor.follow([order('ins_6', '', { yaml })])
  await until(() => supervisor.reports[0]!.counters.input_errors > 1)
  supervisor.follow([])
  await until(() => supervisor.reports.length === 0)
})
