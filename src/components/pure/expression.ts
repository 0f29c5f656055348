import { messageOf } from '../../base/index.ts'
import { compileMapping, type Mapping, type Value, type Host } from '../../bloblang/index.ts'
import { ConfigError } from '../../engine/index.ts'

/** A method of the mapping language as a function, for processors that do the same to a message's body. */
export function expression(source: string, host: Host): (value: Value) => Value {
  const { mapping, diagnostics } = compileMapping(`root = ${source}`, { host })
  if (mapping === undefined) throw new ConfigError(diagnostics[0]!.message)
  return value => {
    try {
      return (mapping satisfies Mapping).apply(value)
    } catch (error) {
      // A place in a generated mapping is of no use to the user.
      throw new Error(messageOf(error).replace(/^failed assignment \(line 1\): (field `this`: )?/, ''))
    }
  }
}

/** A text as a literal of the language. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}
