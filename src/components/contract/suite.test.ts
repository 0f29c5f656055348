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
    name: 'the first failure is applied to all messages',
    takesRuns: true,
    wrap: changedRun(outcomes => {
      const failure = outcomes.find(outcome => outcome !== null)
      if (failure !== undefined) throw failure
      return outcomes
    }),
    found: 'rejects only the failed one of several single messages',
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
    found: 'keeps exactly max_in_flight writes in flight',
  },
  {
    name: 'a message is settled twice',
    takesRuns: true,
    wrap: changedRun(outcomes => [...outcomes, null]),
    found: 'delivers and acknowledges single messages once',
  },
  {
    name: 'an outcome is missing',
    takesRuns: true,
    wrap: changedRun(outcomes => outcomes.slice(1)),
    found: 'delivers and acknowledges single messages once',
  },
  {
    name: 'the order is lost',
    takesRuns: true,
    wrap: output => ({ ...output, writeRun: (run, signal) => output.writeRun!(run.toReversed(), signal) }),
    found: 'preserves the order of messages with max_in_flight 1',
  },
  {
    name: 'writes in flight are lost at close',
    takesRuns: false,
    wrap: output => ({
      ...output,
      write(batch, signal) {
        void Promise.resolve(output.write(batch, signal)).catch(() => undefined)
      },
    }),
    found: 'a stop gives up on a destination that hangs and acknowledges nothing',
  },
  {
    name: 'writes without a connection count as delivered',
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
    found: 'writes the current batch again after a lost connection',
  },
  {
    name: 'a delivered message is rejected',
    takesRuns: true,
    wrap: changedRun(outcomes => outcomes.map((outcome, index) => (index === 0 ? new Error('refused') : outcome))),
    found: 'retries rejected messages and no others',
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
    found: 'delivers every message once and in order',
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
    found: 'delivers every message once and in order',
  },
  {
    name: 'a rejected message is acknowledged',
    wrap: changedDelivery(delivery => delivery.like(delivery.messages, messages => delivery.settle(messages, null))),
    found: 'redelivers rejected messages and no others',
  },
  {
    name: 'messages are acknowledged when they are read',
    wrap: changedDelivery(async delivery => {
      await delivery.ack(null)
      return delivery.like(delivery.messages, () => undefined)
    }),
    found: 'redelivers messages that were in flight at a stop to the next stream',
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
    found: 'does not redeliver delivered messages to the next stream',
  },
  {
    name: 'messages ready to be read are lost with the connection',
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
    found: 'delivers messages in flight and later ones when the connection is lost',
  },
  {
    name: 'a message rejected after the connection was lost is acknowledged',
    wrap: changedDelivery(delivery => delivery.like(delivery.messages, messages => delivery.settle(messages, null))),
    found: 'redelivers a message that is rejected after the connection was lost',
  },
  {
    name: 'a stop is ignored while it waits',
    wrap: input => ({ ...input, read: () => input.read(new AbortController().signal) }),
    found: 'stops immediately while waiting for messages',
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
  readonly forgetsRejected?: boolean
  readonly reverses?: boolean
  readonly endsAtOnce?: boolean
  readonly neverFull?: boolean
  readonly neverAcknowledges?: boolean
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
        if (error !== null && faults.forgetsRejected !== true) {
          pending += messages.length
          queue.unshift(delivery.like(messages, () => undefined))
        }
        changed.notify()
      })
    return {
      async push(delivery, signal) {
        if (faults.neverAcknowledges !== true) await delivery.ack(null)
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
  ['a rejected message is dropped', { forgetsRejected: true }, 'redelivers rejected messages and loses none'],
  ['the order is lost', { reverses: true }, 'delivers every message once and in order, and acknowledges it once'],
  [
    'what it holds at the end of the source is dropped',
    { endsAtOnce: true },
    'delivers every message once and in order, and acknowledges it once',
  ],
  ['it is never full', { neverFull: true }, 'stops reading from the source while the output is blocked'],
  [
    'messages are never acknowledged',
    { neverAcknowledges: true },
    'acknowledges messages once they are safe and not before',
  ],
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
