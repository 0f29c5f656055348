import type { MaybePromise, Message, Resources } from '../../engine/index.ts'

/** Applies `change` to a message; if it fails, returns the message flagged with the error. */
export function failing(
  resources: Resources,
  message: Message,
  change: () => MaybePromise<Message>,
): MaybePromise<Message> {
  const flag = (error: unknown) => resources.fail(message, error)
  try {
    const changed = change()
    return changed instanceof Promise ? changed.catch(flag) : changed
  } catch (error) {
    return flag(error)
  }
}
