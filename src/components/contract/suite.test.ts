// The suites themselves: an output that keeps the contract passes, and each fault that it could have is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Batch, type Message, NotConnectedError, type Output } from '../../engine/index.ts'
import { outputContract, type OutputHarness, outputProperties } from '../../engine/contract/output.suite.ts'
import { Recorder } from '../../engine/contract/recorder.ts'
import { rig } from './rig.suite.ts'

outputContract('recorder of batches', rig, { inFlight: 'many', open: () => new Recorder({ takesRuns: false }) })
outputContract('recorder of runs', rig, { inFlight: 'many', open: () => new Recorder({ takesRuns: true }) })

interface Fault {
  readonly name: string
  readonly takesRuns: boolean
  readonly wrap: (output: Output) => Output
  /** The property that finds it. */
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

/** An output whose outcomes of runs are changed. */
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
