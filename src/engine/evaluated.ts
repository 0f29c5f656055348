import { messageOf } from '../base/index.ts'

/** What `run` returns for the field `what` of a component. An error names the field: `key interpolation error: …`. */
export function evaluated<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new Error(`${what} interpolation error: ${messageOf(error)}`, { cause: error })
  }
}
