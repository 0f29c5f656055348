/** What `run` returns for the field `what` of a component. An error names the field: `key interpolation error: …`. */
export function evaluated<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    // Mappings throw values that have a message without being errors.
    const { message } = error as { readonly message: string }
    throw new Error(`${what} interpolation error: ${message}`, { cause: error })
  }
}
