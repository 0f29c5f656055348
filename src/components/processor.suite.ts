import assert from 'node:assert/strict'
import { nullLog, systemClock } from '../base/index.ts'
import {
  type AnySpec,
  defineInput,
  defineOutput,
  deliverBatch,
  deliverEach,
  field,
  Message,
  startStream,
} from '../engine/index.ts'
import { systemHost } from '../host/index.ts'
import { createRegistry } from './index.ts'

/** The outcome of a message. */
export interface Outcome {
  readonly text: string
  readonly bytes: Uint8Array
  readonly metadata: Readonly<Record<string, unknown>>
  /** The error; null if it did not fail. */
  readonly error: string | null
}

export interface TrialOptions {
  /** Whether the messages form one batch; otherwise each is its own batch. */
  readonly asBatch?: boolean
  /** Configuration in addition to `pipeline`, as YAML. */
  readonly resources?: string
  /** Components in addition to those of the registry. */
  readonly specs?: readonly AnySpec[]
}

/**
 * Runs messages through a processor, given as YAML, in a stream and returns their outcomes. Rejects if the stream does
 * not start.
 */
export async function processed(
  config: string,
  inputs: readonly (string | Uint8Array | Message)[],
  { asBatch = false, resources = '', specs = [] }: TrialOptions = {},
): Promise<readonly Outcome[]> {
  const messages = inputs.map(messageOf)
  const outcomes: Outcome[] = []
  let isRead = false
  const given = defineInput({
    name: 'given',
    summary: 'Yields messages.',
    config: field.anyObject('').default({}),
    create: () => ({
      read() {
        if (isRead) return null
        isRead = true
        return asBatch ? deliverBatch(messages, () => {}) : deliverEach(messages)
      },
    }),
  })
  const collected = defineOutput({
    name: 'collected',
    summary: 'Keeps what came of them.',
    config: field.anyObject('').default({}),
    maxInFlight: 1,
    create: () => ({
      write(batch) {
        outcomes.push(...batch.map(outcomeOf))
      },
    }),
  })
  const indented = config.trimEnd().replaceAll('\n', '\n      ')
  const text = `input: { given: {} }\npipeline:\n  processors:\n    - ${indented}\noutput: { collected: {} }\n${resources}`
  const stream = await startStream(text, {
    registry: createRegistry().extended([given, collected, ...specs]),
    host: systemHost,
    clock: systemClock,
    log: nullLog,
  })
  await stream.done
  return outcomes
}

/** The bodies of the outcomes, none of which may have failed. */
export async function bodiesOf(
  config: string,
  inputs: readonly (string | Uint8Array | Message)[],
): Promise<readonly string[]> {
  return (await processed(config, inputs)).map(({ text, error }) => {
    assert.equal(error, null)
    return text
  })
}

/** The errors of messages that must all have failed and kept their bodies. */
export async function errorsOf(config: string, inputs: readonly string[]): Promise<readonly (string | null)[]> {
  const outcomes = await processed(config, inputs)
  assert.deepEqual(
    outcomes.map(({ text }) => text),
    inputs,
  )
  return outcomes.map(({ error }) => error)
}

function messageOf(input: string | Uint8Array | Message): Message {
  if (input instanceof Message) return input
  return typeof input === 'string' ? Message.fromText(input) : Message.fromBytes(input)
}

function outcomeOf(message: Message): Outcome {
  return {
    text: message.text(),
    bytes: message.bytes(),
    metadata: Object.fromEntries(message.metadata),
    error: message.error?.message ?? null,
  }
}
