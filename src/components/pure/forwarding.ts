import { type AckSome, allOf, type MaybePromise, type Message, type OutputHandle } from '../../engine/index.ts'

/** Forwards messages: an output, or a wrapper that retries one. */
export type Forwarder = Pick<OutputHandle, 'write' | 'forwardRun'>

/** Settles each message once all of its `targetsOf` targets have: with the first failure, or null. */
export function joined(settle: AckSome, targetsOf: (message: Message) => number): AckSome {
  const open = new Map<Message, { left: number; failure: Error | null }>()
  return (messages, error) => {
    const delivered: Message[] = []
    const answers: MaybePromise<void>[] = []
    for (const message of messages) {
      const known = open.get(message) ?? { left: targetsOf(message), failure: null }
      known.left--
      known.failure ??= error
      if (known.left > 0) {
        open.set(message, known)
        continue
      }
      open.delete(message)
      if (known.failure === null) delivered.push(message)
      else answers.push(settle([message], known.failure))
    }
    if (delivered.length > 0) answers.push(settle(delivered, null))
    return allDone(answers)
  }
}

/** Completes when all acknowledgements have. */
function allDone(answers: readonly MaybePromise<void>[]): MaybePromise<void> {
  const all = allOf(answers)
  return all instanceof Promise ? all.then(() => undefined) : undefined
}
