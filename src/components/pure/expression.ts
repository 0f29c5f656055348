import { messageOf } from '../../base/index.ts'
import { compileMapping, type Mapping, type Value, type Host } from '../../bloblang/index.ts'
import { ConfigError } from '../../engine/index.ts'

/** Wraps a Bloblang method as a function, for processors that apply it to the body of a message. */
export function expression(source: string, host: Host): (value: Value) => Value {
  const { mapping, diagnostics } = compileMapping(`root = ${source}`, { host })
  if (mapping === undefined) throw new ConfigError(diagnostics[0]!.message)
  return value => {
    try {
      return (mapping satisfies Mapping).apply(value)
    } catch (error) {
      // A position in a generated mapping is of no use to the user.
      throw new Error(messageOf(error).replace(/^failed assignment \(line 1\): (field `this`: )?/, ''))
    }
  }
}

/** Quotes a text as a Bloblang literal. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
