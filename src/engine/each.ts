import { type Batch, batchOf, joinSolo } from './batch.ts'
import type { MaybePromise } from './component.ts'
import type { Message } from './message.ts'

/**
 * Calls `visit` for each message with the batch that it logically belongs to, alone or with the others, and its index there.
 * The list is reused between calls where messages are batches of their own.
 */
export function eachMessage(
  batch: Batch,
  visit: (message: Message, view: readonly Message[], index: number) => void,
): void {
  const { messages } = batch
  if (!batch.solo) {
    for (let i = 0; i < messages.length; i++) visit(messages[i]!, messages, i)
    return
  }
  const alone: Message[] = []
  for (let i = 0; i < messages.length; i++) {
    alone[0] = messages[i]!
    visit(alone[0], alone, 0)
  }
}

/** The same batch with other messages: none makes no batch at all. */
export function withMessages(batch: Batch, messages: readonly Message[]): readonly Batch[] {
  return messages.length === 0 ? [] : [{ messages, solo: batch.solo && messages.length > 1 }]
}

/** Replaces each message, or drops it where `change` yields null. */
export function mapMessages(
  batch: Batch,
  change: (message: Message, view: readonly Message[], index: number) => Message | null,
): readonly Batch[] {
  const results: Message[] = []
  eachMessage(batch, (message, view, index) => {
    const result = change(message, view, index)
    if (result !== null) results.push(result)
  })
  return withMessages(batch, results)
}

/** The same for changes that may take time, one message after the other. */
export async function mapMessagesInTurn(
  batch: Batch,
  change: (message: Message, view: readonly Message[], index: number) => MaybePromise<Message | null>,
): Promise<readonly Batch[]> {
  const results: Message[] = []
  for (let i = 0; i < batch.messages.length; i++) {
    const message = batch.messages[i]!
    const result = await (batch.solo ? change(message, [message], 0) : change(message, batch.messages, i))
    if (result !== null) results.push(result)
  }
  return withMessages(batch, results)
}

/** Runs something that looks at whole batches on each batch that a batch stands for. */
export function eachBatch(
  batch: Batch,
  process: (messages: readonly Message[]) => MaybePromise<readonly Batch[]>,
): MaybePromise<readonly Batch[]> {
  if (!batch.solo) return process(batch.messages)
  const results: Batch[] = []
  for (let i = 0; i < batch.messages.length; i++) {
    const result = process([batch.messages[i]!])
    if (result instanceof Promise) return eachBatchFrom(batch, process, i, results, result)
    results.push(...result)
  }
  return joinSolo(results)
}

async function eachBatchFrom(
  batch: Batch,
  process: (messages: readonly Message[]) => MaybePromise<readonly Batch[]>,
  index: number,
  results: Batch[],
  pending: Promise<readonly Batch[]>,
): Promise<readonly Batch[]> {
  results.push(...(await pending))
  for (let i = index + 1; i < batch.messages.length; i++) results.push(...(await process([batch.messages[i]!])))
  return joinSolo(results)
}

/** The messages of all batches, in order. */
export function allMessages(batches: readonly Batch[]): readonly Message[] {
  return batches.length === 1 ? batches[0]!.messages : batches.flatMap(batch => [...batch.messages])
}

/** All messages as one batch, or none. */
export function flattened(batches: readonly Batch[]): readonly Batch[] {
  const messages = allMessages(batches)
  return messages.length === 0 ? [] : [batchOf(messages)]
}

/** The batches of several results, at once where none has to be waited for. */
export function collected(results: readonly MaybePromise<readonly Batch[]>[]): MaybePromise<readonly Batch[]> {
  if (!results.some(result => result instanceof Promise)) return (results as readonly (readonly Batch[])[]).flat()
  return Promise.all(results.map(result => Promise.resolve(result))).then(batches => batches.flat())
}

/** Continues with a value at once, or when it arrives. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}
