import { andThen, type MaybePromise, type Message, type Processor } from '../../engine/index.ts'

type Results = readonly (Message | null)[]

/** Runs `processRun` on those messages of a run that satisfy `applies`, and leaves the others in place. */
export function processWhere(
  processRun: NonNullable<Processor['processRun']>,
  run: Results,
  applies: (message: Message) => boolean,
): MaybePromise<Results> {
  const isChosen = (message: Message | null): message is Message => message !== null && applies(message)
  const chosen = run.filter(isChosen)
  if (chosen.length === 0) return run
  return andThen(processRun(chosen), results => {
    let next = 0
    return run.map(message => (isChosen(message) ? results[next++]! : message))
  })
}
