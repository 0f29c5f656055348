import type { MaybePromise, Message, Resources } from '../../engine/index.ts'

/** What `change` makes of a message, or the message flagged with the error of it. */
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
