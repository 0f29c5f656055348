// Tests the suites themselves: a correct component passes, and each possible fault is detected.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Batch,
  type Buffer,
  defineBuffer,
  type Delivery,
  field,
  type Input,
  type Message,
  NotConnectedError,
  type Output,
  Signal,
} from '../../engine/index.ts'
import { bufferContract, type BufferHarness, bufferProperties } from '../../engine/contract/buffer.suite.ts'
import { outputContract, type OutputHarness, outputProperties } from '../../engine/contract/output.suite.ts'
import { Recorder } from '../../engine/contract/recorder.ts'
import { checkInput, inputContract, type InputHarness, inputProperties } from '../../engine/contract/input.suite.ts'
import { Pond, type PondInput } from '../../engine/contract/pond.ts'
import { bodies } from '../../engine/contract/rig.ts'
import { rig } from './rig.suite.ts'

outputContract('recorder of batches', rig, { inFlight: 'many', open: () => new Recorder({ takesRuns: false }) })
outputContract('recorder of runs', rig, { inFlight: 'many', open: () => new Recorder({ takesRuns: true }) })

interface Fault {
  readonly name: string
  readonly takesRuns: boolean
  readonly wrap: (output: Output) => Output
  /** The name of the test that detects it. */
  readonly found: string
}

const faults: readonly Fault[] = [
  {
    name: 'the first failure counts for all',
    takesRuns: true,
    wrap: changedRun(outcomes => {
      const failure = outcomes.find(outcome => outcome !== null)
      if (failure !== undefined) throw failure
      return outcomes
    }),
    found: 'of messages that are each their own only the refused one is refused',
  },
  {
    name: 'one write at a time',
    takesRuns: false,
    wrap(output) {
      let line: Promise<void> = Promise.resolve()
      const write = (batch: Batch, signal: AbortSignal) => {
        const written = line.then(() => output.write(batch, signal))
        line = written.catch(() => undefined)
        return written
      }
      return { ...output, write }
    },
    found: 'as many writes are under way as max_in_flight says, and no more',
  },
  {
    name: 'a message is answered twice',
    takesRuns: true,
    wrap: changedRun(outcomes => [...outcomes, null]),
    found: 'messages that are each their own arrive once, and are acknowledged once',
  },
  {
    name: 'an outcome is missing',
    takesRuns: true,
    wrap: changedRun(outcomes => outcomes.slice(1)),
    found: 'messages that are each their own arrive once, and are acknowledged once',
  },
  {
    name: 'the order is lost',
    takesRuns: true,
    wrap: output => ({ ...output, writeRun: (run, signal) => output.writeRun!(run.toReversed(), signal) }),
    found: 'with one in flight messages arrive in their order',
  },
  {
    name: 'what is under way is lost at close',
    takesRuns: false,
    wrap: output => ({
      ...output,
      write(batch, signal) {
        void Promise.resolve(output.write(batch, signal)).catch(() => undefined)
      },
    }),
    found: 'a stop does not wait for ever for a destination that hangs, and acknowledges nothing of it',
  },
  {
    name: 'what is written without a connection counts as delivered',
    takesRuns: false,
    wrap: output => ({
      ...output,
      async write(batch, signal) {
        try {
          await output.write(batch, signal)
        } catch (error) {
          if (!(error instanceof NotConnectedError)) throw error
        }
      },
    }),
    found: 'after a lost connection the batch in hand is written again',
  },
  {
    name: 'a message that was delivered is refused',
    takesRuns: true,
    wrap: changedRun(outcomes => outcomes.map((outcome, index) => (index === 0 ? new Error('refused') : outcome))),
    found: 'what was refused is delivered again, and nothing else is',
  },
]

for (const { name, takesRuns, wrap, found } of faults) {
  test(`the suite finds the fault: ${name}`, async () => {
    const property = outputProperties.find(each => each.name === found)
    assert.ok(property !== undefined, found)
    const harness: OutputHarness = { inFlight: 'many', open: () => new Recorder({ takesRuns, wrap }) }
    const target = new Recorder({ takesRuns, wrap })
    await assert.rejects(property.check({ target, harness }, { ...rig, hungMs: 1000 }))
    target.close()
  })
}

/** An output whose outcomes of runs are altered. */
function changedRun(
  change: (outcomes: readonly (Error | null)[]) => readonly (Error | null)[],
): (output: Output) => Output {
  return output => ({
    ...output,
    async writeRun(run: readonly Message[], signal: AbortSignal) {
      return change(await output.writeRun!(run, signal))
    },
  })
}

const pond = (wrap?: (input: PondInput) => Input): InputHarness => ({
  ends: false,
  replays: true,
  reconnects: true,
  resumes: true,
  remembers: true,
  open: () => new Pond(bodies(25), wrap),
  plenty: texts => new Pond(texts, wrap),
})

inputContract('pond', rig, pond())

interface InputFault {
  readonly name: string
  readonly wrap: (input: PondInput) => Input
  readonly found: string
}

const inputFaults: readonly InputFault[] = [
  {
    name: 'the order is lost',
    wrap: changedDelivery(delivery => delivery.like(delivery.messages.toReversed(), answer(delivery))),
    found: 'every message arrives once, in its order',
  },
  {
    name: 'a message is delivered twice',
    wrap: changedDelivery(delivery => {
      const [first] = delivery.messages
      return delivery.like([...delivery.messages, first!.withText(first!.text())], (messages, error) =>
        delivery.settle(
          messages.filter(message => delivery.messages.includes(message)),
          error,
        ),
      )
    }),
    found: 'every message arrives once, in its order',
  },
  {
    name: 'what is refused is acknowledged',
    wrap: changedDelivery(delivery => delivery.like(delivery.messages, messages => delivery.settle(messages, null))),
    found: 'what is refused comes again, and nothing else does',
  },
  {
    name: 'messages are acknowledged when they are read',
    wrap: changedDelivery(async delivery => {
      await delivery.ack(null)
      return delivery.like(delivery.messages, () => undefined)
    }),
    found: 'what was under way when a stream stopped comes to the next one',
  },
  {
    name: 'acknowledgements are lost at close',
    wrap: input => ({
      ...input,
      close() {
        input.loseAcknowledgements()
        input.close()
      },
    }),
    found: 'what was delivered does not come to the next stream',
  },
  {
    name: 'what is ready to be read is lost with the connection',
    wrap(input) {
      const read = async (signal: AbortSignal) => {
        try {
          return await input.read(signal)
        } catch (error) {
          input.forget()
          throw error
        }
      }
      return { ...input, read }
    },
    found: 'what is in hand when the connection is lost, and what comes after it, arrives',
  },
  {
    name: 'what is refused after the connection was lost is acknowledged',
    wrap: changedDelivery(delivery => delivery.like(delivery.messages, messages => delivery.settle(messages, null))),
    found: 'what is refused after the connection was lost comes again',
  },
  {
    name: 'a stop is not heard while it waits',
    wrap: input => ({ ...input, read: () => input.read(new AbortController().signal) }),
    found: 'it stops at once while it waits for more',
  },
]

for (const { name, wrap, found } of inputFaults) {
  test(`the suite finds the fault of an input: ${name}`, async () => {
    const property = inputProperties.find(each => each.name === found)
    assert.ok(property !== undefined, found)
    await checkInput(property, rig, pond())
    await assert.rejects(checkInput(property, { ...rig, hungMs: 1000 }, pond(wrap)))
  })
}

/** An in-memory buffer named `shelf`, with the requested faults. */
function shelf(faults: {
  readonly forgetsRefused?: boolean
  readonly reverses?: boolean
  readonly endsAtOnce?: boolean
  readonly neverFull?: boolean
  readonly neverTells?: boolean
}): BufferHarness {
  const create = (): Buffer => {
    let queue: Delivery[] = []
    let [pending, ended] = [0, false]
    const changed = new Signal()
    const wait = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => changed.notify(), { once: true })
      return changed.wait()
    }
    const deliver = (delivery: Delivery): Delivery =>
      delivery.like(delivery.messages, (messages, error) => {
        pending -= messages.length
        if (error !== null && faults.forgetsRefused !== true) {
          pending += messages.length
          queue.unshift(delivery.like(messages, () => undefined))
        }
        changed.notify()
      })
    return {
      async push(delivery, signal) {
        if (faults.neverTells !== true) await delivery.ack(null)
        while (faults.neverFull !== true && pending > 1000 && !signal.aborted) await wait(signal)
        pending += delivery.messages.length
        queue.push(faults.reverses === true ? delivery.like(delivery.messages.toReversed(), () => undefined) : delivery)
        changed.notify()
      },
      end() {
        ended = true
        if (faults.endsAtOnce === true) queue = []
        changed.notify()
      },
      async next(signal) {
        for (;;) {
          // With this fault it always holds back the newest message, so that there is something to drop at the end.
          const isHeld = faults.endsAtOnce === true && queue.length === 1
          const next = isHeld ? undefined : queue.shift()
          if (next !== undefined) return deliver(next)
          if (signal.aborted || (ended && (pending === 0 || faults.endsAtOnce === true))) return null
          await wait(signal)
        }
      },
    }
  }
  const spec = defineBuffer({ name: 'shelf', summary: 'A buffer for a suite.', config: field.object({}), create })
  return {
    acknowledges: 'stored',
    survives: { never: 'it is in the memory of its stream' },
    open: () => ({ config: '{ shelf: {} }', specs: [spec] }),
  }
}

bufferContract('shelf', rig, shelf({}))

const bufferFaults = [
  ['what is refused is forgotten', { forgetsRefused: true }, 'what is refused is delivered again, and nothing is lost'],
  [
    'the order is lost',
    { reverses: true },
    'every message goes through once and in its order, and is acknowledged once',
  ],
  [
    'what it holds at the end of the source is dropped',
    { endsAtOnce: true },
    'every message goes through once and in its order, and is acknowledged once',
  ],
  ['it is never full', { neverFull: true }, 'a destination that takes nothing holds the source back'],
  ['the source is never told', { neverTells: true }, 'the source is told when its messages are safe, and not before'],
] as const

for (const [name, faults, found] of bufferFaults) {
  test(`the suite finds the fault of a buffer: ${name}`, async () => {
    const property = bufferProperties.find(each => each.name === found)
    assert.ok(property !== undefined, found)
    await assert.rejects(property.check(shelf(faults), { ...rig, hungMs: 1000 }))
  })
}

/** An input whose deliveries are altered. */
function changedDelivery(change: (delivery: Delivery) => Delivery | Promise<Delivery>): (input: PondInput) => Input {
  return input => ({
    ...input,
    async read(signal: AbortSignal) {
      const delivery = await input.read(signal)
      return delivery === null ? null : change(delivery)
    },
  })
}

function answer(delivery: Delivery): (messages: readonly Message[], error: Error | null) => void | Promise<void> {
  return (messages, error) => delivery.settle(messages, error)
}
