import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nullLog } from '../../base/index.ts'
import { Message, PartialFailure, type Resources } from '../../engine/index.ts'
import { BulkOutput, type BulkService, type Outcome } from './bulk-output.ts'

const backoff = { initial_interval: 1, max_interval: 1, max_elapsed_time: 0 }
const never = new AbortController().signal
const throttled: Outcome = { error: new Error('slow down'), isFinal: false }
const refused: Outcome = { error: new Error('not wanted'), isFinal: true }

/** A service that accepts three messages per request, and keeps what each request contained. */
class Service implements BulkService<string> {
  readonly maxCount = 3
  readonly maxBytes = 100
  readonly requests: (readonly string[])[] = []
  readonly #outcomeOf: (text: string, attempt: number) => Outcome
  readonly #attempts = new Map<string, number>()

  constructor(outcomeOf: (text: string, attempt: number) => Outcome) {
    this.#outcomeOf = outcomeOf
  }

  async connect() {}
  close() {}
  entryOf = (batch: readonly Message[], index: number) => batch[index]!.text()
  sizeOf = (text: string) => text.length

  send(entries: readonly string[]): Promise<readonly Outcome[]> {
    this.requests.push(entries)
    const outcomes = entries.map(text => {
      const attempt = (this.#attempts.get(text) ?? 0) + 1
      this.#attempts.set(text, attempt)
      return this.#outcomeOf(text, attempt)
    })
    return Promise.resolve(outcomes)
  }
}

function outputTo(service: Service, retries: number): BulkOutput<string> {
  const host = { random: () => 0.5 }
  const parts = { host, log: nullLog, wait: () => Promise.resolve() }
  const resources = parts as unknown as Resources // the output uses no other part
  return new BulkOutput(service, { max_retries: retries, backoff }, resources)
}

const messagesOf = (texts: string) => texts.split(' ').map(text => Message.fromText(text))

test('only the messages that failed are sent again, before those that follow', async () => {
  const service = new Service((text, attempt) => (text === 'b' && attempt < 3 ? throttled : null))
  await outputTo(service, 5).write(messagesOf('a b c d e'), never)
  assert.deepEqual(service.requests, [['a', 'b', 'c'], ['b'], ['b'], ['d', 'e']])
})

test('a message that would fail again is not sent again, and only it fails', async () => {
  const service = new Service((text, attempt) => {
    if (text === 'a') return refused
    return text === 'b' && attempt === 1 ? throttled : null
  })
  const outcomes = await outputTo(service, 5).writeRun(messagesOf('a b c d'), never)
  assert.deepEqual(
    outcomes.map(error => error?.message),
    ['not wanted', undefined, undefined, undefined],
  )
  assert.deepEqual(service.requests, [['a', 'b', 'c'], ['b'], ['d']])
})

test('when the attempts are used up, a batch names the messages that failed', async () => {
  const service = new Service(text => (text === 'b' ? throttled : null))
  const batch = messagesOf('a b c d')
  await assert.rejects(outputTo(service, 2).write(batch, never), (error: unknown) => {
    assert.ok(error instanceof PartialFailure)
    assert.deepEqual([...error.failures.keys()], [batch[1]])
    return true
  })
  assert.deepEqual(service.requests, [['a', 'b', 'c'], ['b'], ['b'], ['d']])
})
