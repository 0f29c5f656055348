import {
  andThen,
  type Batch,
  collected,
  joinSolo,
  type MaybePromise,
  type Message,
  soloBatch,
} from '../../engine/index.ts'

/**
 * Runs `process` on the messages that `applies` holds for and leaves the others, keeping the order: neighbours for which it
 * holds go together, each as a batch of its own.
 */
export function processRuns(
  messages: readonly Message[],
  applies: (message: Message) => boolean,
  process: (batch: Batch) => MaybePromise<readonly Batch[]>,
): MaybePromise<readonly Batch[]> {
  const runs: Message[][] = []
  const isMatch: boolean[] = []
  for (const message of messages) {
    const matches = applies(message)
    if (isMatch.length === 0 || isMatch[isMatch.length - 1] !== matches) {
      runs.push([])
      isMatch.push(matches)
    }
    runs[runs.length - 1]!.push(message)
  }
  const results: MaybePromise<readonly Batch[]>[] = runs.map((run, index) =>
    isMatch[index] === true ? process(soloBatch(run)) : [soloBatch(run)],
  )
  return andThen(collected(results), joinSolo)
}
