import assert from 'node:assert/strict'
import test from 'node:test'
import { systemClock } from '../base/index.ts'
import type { AgentReport, InstanceReport } from './agent-link.ts'
import { Changes } from './changes.ts'
import { StatusBoard } from './status-board.ts'

function instance(configurationId: string, sent: number): InstanceReport {
  return {
    instanceId: 'ins',
    pipelineId: 'pi',
    configurationId,
    version: 0,
    state: 'running',
    since: 0,
    restarts: 0,
    nextStartAt: null,
    error: null,
    problem: null,
    counters: { input_received: sent, output_sent: sent, input_errors: 0, output_errors: 0, processor_errors: 0 },
    memoryBytes: 0,
    cpu: 0,
  }
}

function report(more: Partial<AgentReport>): AgentReport {
  const traffic = { producedBytes: 0, producedRecords: 0, fetchedBytes: 0 }
  return { revision: 1, instances: [], ended: [], cpu: 0, memoryBytes: 0, connections: 0, traffic, logs: [], ...more }
}

function newBoard(now = () => 0): StatusBoard {
  return new StatusBoard('vci', { ...systemClock, now }, new Changes())
}

test('counters of removed instances are kept, to the last message', () => {
  const board = newBoard()
  board.update('a', report({ instances: [instance('v0', 5)] }))
  board.update('a', report({ instances: [instance('v1', 2)], ended: [instance('v0', 7)] }))
  assert.equal(board.counters('pi').output_sent, 9)
  board.update('a', report({ ended: [instance('v1', 3)] }))
  assert.equal(board.counters('pi').output_sent, 10)
  board.update('a', report({ instances: [instance('v1', 1)] }))
  board.forgetAgent('a')
  assert.equal(board.counters('pi').output_sent, 11)
  assert.deepEqual(board.instances('pi'), [])
})

test('rates count messages since the last sample', () => {
  let now = 0
  const board = newBoard(() => now)
  board.update('a', report({ instances: [instance('v0', 0)] }))
  now = 2000
  board.sample()
  board.update(
    'a',
    report({
      instances: [instance('v0', 100)],
      traffic: { producedBytes: 4000, producedRecords: 40, fetchedBytes: 0 },
    }),
  )
  now = 4000
  board.sample()
  assert.equal(board.rates('pi').output_per_second, 50)
  assert.equal(board.history('pi').length, 2)
  assert.equal(board.overviewHistory.at(-1)!.produced_bytes_per_second, 2000)
})

test('failed writes stay in the window until a message is delivered or another run starts', () => {
  let now = 0
  const board = newBoard(() => now)
  const look = (configurationId: string, sent: number, failed: number) => {
    const run = instance(configurationId, sent)
    board.update('a', report({ instances: [{ ...run, counters: { ...run.counters, output_errors: failed } }] }))
    now += 2000
    board.sample()
    return board.recent('pi').output_errors
  }
  look('v0', 0, 0)
  look('v0', 0, 5)
  const waits = Array.from({ length: 20 }, () => look('v0', 0, 5))
  assert.equal(waits.at(-1), 5)

  look('v0', 1, 5)
  const delivers = Array.from({ length: 20 }, (_, at) => look('v0', 2 + at, 5))
  assert.equal(delivers.at(-1), 0)

  look('v0', 21, 9)
  assert.equal(Array.from({ length: 20 }, () => look('v0', 21, 9)).at(-1), 4)
  look('v1', 0, 0)
  assert.equal(look('v1', 0, 0), 0)
})

test('log lines are paged by cursor, and only the newest are kept', () => {
  const board = newBoard()
  const line = (message: string) =>
    ({ instanceId: 'ins', pipelineId: 'pi', at: 0, level: 'info', message, fields: {} }) as const
  const texts = (after: number | undefined, limit: number) =>
    board.logs('pi', after, limit).map(({ message }) => message)
  board.update('a', report({ logs: ['a', 'b', 'c'].map(line) }))
  assert.deepEqual(texts(undefined, 2), ['b', 'c'])
  assert.deepEqual(texts(0, 2), ['a', 'b'])
  assert.deepEqual(texts(2, 2), ['c'])
  board.update('a', report({ logs: Array.from({ length: 3000 }, (_, index) => line(String(index))) }))
  assert.ok(board.logs('pi', undefined, 5000).length <= 1250)
  assert.equal(texts(undefined, 1)[0], '2999')
})

test('nothing is kept of a deleted pipeline, whatever its last instances report', () => {
  const board = newBoard()
  const line = { instanceId: 'ins', pipelineId: 'pi', at: 0, level: 'info', message: 'm', fields: {} } as const
  board.update('a', report({ instances: [instance('v0', 5)], logs: [line] }))
  board.forgetPipeline('pi')
  board.update('a', report({ instances: [instance('v0', 6)], logs: [line] }))
  board.update('a', report({ ended: [instance('v0', 7)] }))
  assert.deepEqual(board.logs('pi', undefined, 10), [])
  assert.equal(board.counters('pi').output_sent, 0)
})
