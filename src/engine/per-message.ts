import type { Batch } from './batch.ts'
import type { MaybePromise, Processor } from './component.ts'
import type { Message } from './message.ts'

/** What becomes of one message, given the batch that it belongs to and its place there: null drops it. */
export type Change = (message: Message, batch: Batch, index: number) => MaybePromise<Message | null>

/** A processor that changes or drops each message by itself. Waits only where `change` gives a promise, one after the other. */
export function perMessage(change: Change): Required<Pick<Processor, 'process' | 'processRun'>> {
  return {
    process: batch => andThen(changeAll(batch, batch, change), kept),
    processRun: run => changeAll(run, null, change),
  }
}

/** Calls `visit` for each message with its batch and its place there; the messages go on unchanged. */
export function forEachMessage(
  visit: (message: Message, batch: Batch, index: number) => void,
): Required<Pick<Processor, 'process' | 'processRun'>> {
  return perMessage((message, batch, index) => {
    visit(message, batch, index)
    return message
  })
}

/** The messages that are left, as a batch; none where none is. */
export function kept(results: readonly (Message | null)[]): readonly Batch[] {
  // No element is null here.
  const messages = results.includes(null) ? results.filter(message => message !== null) : (results as Batch)
  return messages.length === 0 ? [] : [messages]
}

function changeAll(
  messages: readonly Message[],
  batch: Batch | null,
  change: Change,
): MaybePromise<readonly (Message | null)[]> {
  const results: (Message | null)[] = []
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!
    const result = batch === null ? change(message, [message], 0) : change(message, batch, i)
    if (result instanceof Promise) return changeRest(messages, batch, change, results, result)
    results.push(result)
  }
  return results
}

async function changeRest(
  messages: readonly Message[],
  batch: Batch | null,
  change: Change,
  results: (Message | null)[],
  pending: Promise<Message | null>,
): Promise<readonly (Message | null)[]> {
  results.push(await pending)
  for (let i = results.length; i < messages.length; i++) {
    const message = messages[i]!
    results.push(await (batch === null ? change(message, [message], 0) : change(message, batch, i)))
  }
  return results
}

/** Continues with a value at once, or when it arrives. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** All values in order, at once where none has to be waited for. */
export function allOf<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  // No element is a promise here.
  return values.some(value => value instanceof Promise) ? Promise.all(values) : (values as readonly T[])
}
