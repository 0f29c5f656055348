import {
  type Batch,
  batchingField,
  ConfigError,
  defineOutput,
  field,
  Limiter,
  type Output,
  type OutputHandle,
} from '../../engine/index.ts'
import { forEver, RetryingWriter } from './retrying.ts'

export default defineOutput({
  name: 'broker',
  categories: ['Utility'],
  summary: 'Hands messages to several outputs, to all of them or in turn.',
  config: field.object({
    copies: field.int('How many of each output there are.').default(1).advanced(),
    pattern: field.string('How messages are spread.').default('fan_out').options({
      fan_out: 'To all at the same time; each is tried again until it delivers.',
      fan_out_fail_fast: 'To all at the same time; the first failure refuses the messages.',
      fan_out_sequential: 'To all one after the other; each is tried again until it delivers.',
      fan_out_sequential_fail_fast: 'To all one after the other; the first failure refuses the messages.',
      round_robin: 'To one output after the other, a batch each.',
      greedy: 'To whichever output is free.',
    }),
    outputs: field.output('The outputs.').list(),
    batching: batchingField,
  }),
  maxInFlight: 64,
  composes: true,
  async create(config, resources): Promise<Output> {
    if (config.outputs.length * config.copies <= 0) {
      throw new ConfigError('attempting to create broker output type with no outputs')
    }
    const outputs: OutputHandle[] = []
    for (let copy = 0; copy < config.copies; copy++) {
      for (const child of config.outputs) outputs.push(await resources.output(copy === 0 ? child : child.fresh()))
    }
    const retried = outputs.map(output => new RetryingWriter(output, forEver, resources))
    switch (config.pattern.toLowerCase()) {
      case 'fan_out':
        return { write: batch => toAll(retried, batch) }
      case 'fan_out_fail_fast':
        return { write: batch => toAll(outputs, batch) }
      case 'fan_out_sequential':
        return { write: batch => inSequence(retried, batch) }
      case 'fan_out_sequential_fail_fast':
        return { write: batch => inSequence(outputs, batch) }
      case 'round_robin':
        return inTurn(outputs)
      case 'greedy':
        return toFree(outputs)
      default:
        throw new ConfigError(`broker pattern was not recognised: ${config.pattern}`)
    }
  },
})

interface Writer {
  write(batch: Batch): Promise<void>
}

async function toAll(writers: readonly Writer[], batch: Batch): Promise<void> {
  const results = await Promise.allSettled(writers.map(writer => writer.write(batch)))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

async function inSequence(writers: readonly Writer[], batch: Batch): Promise<void> {
  for (const writer of writers) await writer.write(batch)
}

function inTurn(outputs: readonly Writer[]): Output {
  let next = 0
  return { write: batch => outputs[next++ % outputs.length]!.write(batch) }
}

function toFree(outputs: readonly OutputHandle[]): Output {
  const gate = new Limiter(1)
  const free = async (): Promise<OutputHandle> => {
    await gate.enter()
    try {
      const output = outputs.find(each => each.hasRoom)
      if (output !== undefined) return output
      await Promise.race(outputs.map(each => each.room()))
      return outputs.find(each => each.hasRoom) ?? outputs[0]!
    } finally {
      gate.leave()
    }
  }
  return {
    async write(batch) {
      await (await free()).write(batch)
    },
  }
}
