import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeLog } from '../logger.ts'
import { Message } from '../message.ts'
import { failureLog } from './failure-log.ts'

function logged(
  config: { add_payload: boolean; sampling_ratio: number },
  draws: readonly number[],
): readonly unknown[] {
  const lines: unknown[] = []
  const log = makeLog(6, { label: 'a' }, (level, text, fields) => lines.push([level, text, fields]))
  let drawn = 0
  const write = failureLog({ enabled: true, ...config }, () => draws[drawn++]!)!
  for (const [index] of draws.entries()) write(log, 'mapping', Message.fromText(`m${index}`), 'no')
  return lines
}

test('a failure is logged with its processor, its error and, if configured, the message', () => {
  assert.deepEqual(logged({ add_payload: true, sampling_ratio: 1 }, [0.9]), [
    ['error', 'failed processing', { label: 'a', plugin: 'mapping', error: 'no', raw_payload: 'm0' }],
  ])
  assert.deepEqual(logged({ add_payload: false, sampling_ratio: 1 }, [0.9]), [
    ['error', 'failed processing', { label: 'a', plugin: 'mapping', error: 'no' }],
  ])
})

test('a fraction of failures is logged, for single messages and batches alike', () => {
  const fields = { label: 'a', plugin: 'mapping', error: 'no', raw_payload: 'm1' }
  assert.deepEqual(logged({ add_payload: true, sampling_ratio: 0.5 }, [0.5, 0.4]), [
    ['error', 'failed processing', fields],
  ])
  assert.deepEqual(logged({ add_payload: true, sampling_ratio: 0 }, [0, 0.4]), [])
})

test('failures are not logged unless logging is enabled', () => {
  assert.equal(
    failureLog({ enabled: false, add_payload: true, sampling_ratio: 1 }, () => 0),
    null,
  )
})
