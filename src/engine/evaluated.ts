import { messageOf } from '../base/index.ts'

/** Runs `run` and prefixes its error with the field `what`: `key interpolation error: …`. */
export function evaluated<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new Error(`${what} interpolation error: ${messageOf(error)}`, { cause: error })
  }
}
