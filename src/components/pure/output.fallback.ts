import {
  type Batch,
  BatchError,
  ConfigError,
  defineOutput,
  field,
  isClosing,
  type Message,
  type OutputHandle,
} from '../../engine/index.ts'

export default defineOutput({
  name: 'fallback',
  categories: ['Utility'],
  summary: 'Tries one output after the other until the messages are delivered.',
  description: 'Only the messages that failed go on to the next output, with the reason as metadata `fallback_error`.',
  config: field.output('The outputs, in order.').list().default([]),
  maxInFlight: 64,
  composes: true,
  async create(children, resources) {
    if (children.length === 0) throw new ConfigError('attempting to create broker output type with no outputs')
    const outputs: OutputHandle[] = []
    for (const child of children) outputs.push(await resources.output(child))
    return { write: batch => writeFrom(outputs, batch) }
  },
})

async function writeFrom(outputs: readonly OutputHandle[], batch: Batch): Promise<void> {
  /** Where the messages of the current try stood in the batch. */
  let places = batch.messages.map((_, index) => index)
  let current = batch
  for (const [tier, output] of outputs.entries()) {
    try {
      await output.write(current)
      return
    } catch (error) {
      const failed = failedOf(current, error as Error)
      if (tier === outputs.length - 1 || isClosing(error)) {
        if (failed.length === batch.messages.length && !(error instanceof BatchError)) throw error
        throw new BatchError(new Map(failed.map(({ index, reason }) => [places[index]!, reason])))
      }
      places = failed.map(({ index }) => places[index]!)
      const messages = failed.map(({ index, reason }) => marked(current.messages[index]!, reason))
      current = { messages, solo: batch.solo && messages.length > 1 }
    }
  }
}

function failedOf(batch: Batch, error: Error): readonly { readonly index: number; readonly reason: Error }[] {
  if (!(error instanceof BatchError)) return batch.messages.map((_, index) => ({ index, reason: error }))
  return [...error.failures]
    .map(([index, reason]) => ({ index, reason }))
    .toSorted((left, right) => left.index - right.index)
}

function marked(message: Message, reason: Error): Message {
  return message.withMeta('fallback_error', reason.message)
}
