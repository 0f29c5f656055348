import { asError, messageOf } from '../../base/index.ts'
import {
  type AckSome,
  type Batch,
  ConfigError,
  defineOutput,
  failuresOf,
  field,
  isClosing,
  type Message,
  type OutputHandle,
  throwFailures,
} from '../../engine/index.ts'

export default defineOutput({
  name: 'fallback',
  categories: ['Utility'],
  summary: 'Tries outputs in order until the messages are delivered.',
  description:
    'Only the messages that failed are passed to the next output, with the reason in the metadata `fallback_error`.',
  config: field.output('The outputs, in order.').list().default([]),
  maxInFlight: 64,
  composes: true,
  async create(children, resources) {
    if (children.length === 0) throw new ConfigError('attempting to create broker output type with no outputs')
    const outputs: OutputHandle[] = []
    for (const child of children) outputs.push(await resources.output(child))
    return {
      write: batch => writeFrom(outputs, batch),
      forwardRun: (run, settle) => forwardFrom(outputs, 0, run, settle),
    }
  },
})

/** `settle` is called with the messages as given here, without the added metadata. */
function forwardFrom(outputs: readonly OutputHandle[], tier: number, run: readonly Message[], settle: AckSome): void {
  outputs[tier]!.forwardRun(run, (messages, failure) => {
    if (failure === null || tier === outputs.length - 1 || isClosing(failure)) return settle(messages, failure)
    const before = new Map(messages.map(message => [marked(message, failure), message]))
    return forwardFrom(outputs, tier + 1, [...before.keys()], (some, reason) =>
      settle(
        some.map(message => before.get(message)!),
        reason,
      ),
    )
  })
}

async function writeFrom(outputs: readonly OutputHandle[], batch: Batch): Promise<void> {
  /** Maps the messages of the current attempt, which carry added metadata, to the original ones. */
  let current = new Map(batch.map(message => [message, message]))
  for (const [tier, output] of outputs.entries()) {
    const tried = [...current.keys()]
    try {
      await output.write(tried)
      return
    } catch (error) {
      const failures = failuresOf(tried, asError(error))
      if (tier === outputs.length - 1 || isClosing(error)) {
        throwFailures(batch, new Map([...failures].map(([message, reason]) => [current.get(message)!, reason])))
      }
      const failed = tried.filter(message => failures.has(message))
      current = new Map(failed.map(message => [marked(message, failures.get(message)!), current.get(message)!]))
    }
  }
}

function marked(message: Message, reason: Error): Message {
  return message.withMeta('fallback_error', messageOf(reason))
}
