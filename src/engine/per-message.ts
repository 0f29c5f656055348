import type { Batch } from './batch.ts'
import type { MaybePromise, Processor } from './component.ts'
import type { Message } from './message.ts'

/** Returns the result of one message, given its batch and its index there; null drops it. */
export type Change = (message: Message, batch: Batch, index: number) => MaybePromise<Message | null>

/**
 * A processor that changes or drops each message by itself. Awaits `change` only if it returns a promise, in sequence.
 */
export function perMessage(change: Change): Required<Pick<Processor, 'process' | 'processRun'>> {
  return {
    process: batch => andThen(changeAll(batch, batch, change), kept),
    processRun: run => changeAll(run, null, change),
  }
}

/** A processor that calls `visit` for each message with its batch and index, and passes the messages on unchanged. */
export function forEachMessage(
  visit: (message: Message, batch: Batch, index: number) => void,
): Required<Pick<Processor, 'process' | 'processRun'>> {
  return perMessage((message, batch, index) => {
    visit(message, batch, index)
    return message
  })
}

/** The remaining messages as a batch; no batch if none remain. */
export function kept(results: readonly (Message | null)[]): readonly Batch[] {
  // Without a null among them the results are a batch.
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

/** Applies `next` to a value, synchronously unless the value is a promise. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** All values in order, synchronously if none is a promise. */
export function allOf<T>(values: readonly MaybePromise<T>[]): MaybePromise<readonly T[]> {
  // In the second branch no element is a promise.
  return values.some(value => value instanceof Promise) ? Promise.all(values) : (values as readonly T[])
}
