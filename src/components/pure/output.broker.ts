import {
  type AckSome,
  batchingField,
  ConfigError,
  defineOutput,
  field,
  Limiter,
  type Message,
  type Output,
  type OutputHandle,
} from '../../engine/index.ts'
import { type Forwarder, joined } from './forwarding.ts'
import { forEver, RetryingWriter } from './retrying.ts'

export default defineOutput({
  name: 'broker',
  categories: ['Utility'],
  summary: 'Sends messages to several outputs, to all of them or to one at a time.',
  config: field.object({
    copies: field.int('The number of instances of each output.').default(1).advanced(),
    pattern: field.string('How messages are distributed.').default('fan_out').options({
      fan_out: 'To all outputs concurrently; each is retried until it succeeds.',
      fan_out_fail_fast: 'To all outputs concurrently; the first failure rejects the messages.',
      fan_out_sequential: 'To all outputs, one after another; each is retried until it succeeds.',
      fan_out_sequential_fail_fast: 'To all outputs, one after another; the first failure rejects the messages.',
      round_robin: 'To one output per batch, in rotation.',
      greedy: 'To whichever output is ready first.',
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
        return toAll(retried)
      case 'fan_out_fail_fast':
        return toAll(outputs)
      case 'fan_out_sequential':
        return inSequence(retried)
      case 'fan_out_sequential_fail_fast':
        return inSequence(outputs)
      case 'round_robin':
        return inTurn(outputs)
      case 'greedy':
        return toFree(outputs)
      default:
        throw new ConfigError(`broker pattern was not recognised: ${config.pattern}`)
    }
  },
})

function toAll(outputs: readonly Forwarder[]): Output {
  return {
    async write(batch) {
      const results = await Promise.allSettled(outputs.map(output => output.write(batch)))
      for (const result of results) if (result.status === 'rejected') throw result.reason
    },
    forwardRun(run, settle) {
      const join = joined(settle, () => outputs.length)
      for (const output of outputs) output.forwardRun(run, join)
    },
  }
}

function inSequence(outputs: readonly Forwarder[]): Output {
  const forwardFrom = (number: number, run: readonly Message[], settle: AckSome): void => {
    outputs[number]!.forwardRun(run, (messages, failure) => {
      if (failure !== null || number + 1 === outputs.length) return settle(messages, failure)
      return forwardFrom(number + 1, messages, settle)
    })
  }
  return {
    async write(batch) {
      for (const output of outputs) await output.write(batch)
    },
    forwardRun: (run, settle) => forwardFrom(0, run, settle),
  }
}

function inTurn(outputs: readonly Forwarder[]): Output {
  let next = 0
  return {
    write: batch => outputs[next++ % outputs.length]!.write(batch),
    forwardRun(run, settle) {
      const shares: Message[][] = outputs.map(() => [])
      for (const message of run) shares[next++ % outputs.length]!.push(message)
      for (const [number, share] of shares.entries()) if (share.length > 0) outputs[number]!.forwardRun(share, settle)
    },
  }
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
