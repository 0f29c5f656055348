import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { textOfMetadata, typeOf, type Value } from '../../bloblang/index.ts'
import { defineProcessor, evaluated, field, type Message, perMessage, type Processes } from '../../engine/index.ts'
import { startProgram, whenEnded } from './commands.ts'

export default defineProcessor({
  name: 'command',
  categories: ['Integration'],
  version: '1.0.0',
  summary: 'Runs a program for each message, with the body as its input, and replaces the body with its output.',
  description:
    'The program is not run in a shell: `|` or `$HOME` have no special meaning. When the program succeeds, what it wrote to standard error becomes the metadata `command_stderr`; when it fails, the message is left unchanged and flagged as failed with that text. To run a program once for many messages, use `subprocess`.',
  config: field.object({
    name: field.interpolated('The program.').needs('processes').examples('bash', 'go', '${! @command }'),
    args_mapping: field
      .mapping('A mapping that returns the array of arguments.')
      .optional()
      .examples('[ "-c", this.script_path ]'),
  }),
  examples: [
    {
      title: 'Splitting words into lines',
      config: 'command:\n  name: tr\n  args_mapping: \'[ " ", "-" ]\'\n',
      input: ['a b c'],
      output: ['a-b-c'],
    },
  ],
  create({ name, args_mapping: mapping }, resources) {
    const argumentsOf = (view: readonly Message[], index: number): readonly string[] => {
      if (mapping === undefined || mapping === null) return []
      let result: Value
      try {
        const mapped = mapping.run(view, index)
        result = mapped === null || typeof mapped === 'object' ? mapped : view[index]!.withValue(mapped).structured()
      } catch (error) {
        throw new Error(`args mapping error: ${messageOf(error)}`)
      }
      if (Array.isArray(result)) return result.map(each => textOfMetadata(each))
      throw new Error(`args mapping result error: expected array value, got ${typeOf(result)}`)
    }
    return {
      waits: true,
      ...perMessage(async (message, view, index) => {
        try {
          const program = evaluated('name', () => name.eval(view, index))
          const { output, errors } = await run(
            resources.host.processes,
            program,
            argumentsOf(view, index),
            message.bytes(),
          )
          const result = message.withBytes(output)
          return errors === '' ? result : result.withMeta('command_stderr', errors)
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
    }
  },
})

async function run(
  processes: Processes,
  name: string,
  args: readonly string[],
  input: Uint8Array,
): Promise<{ readonly output: Uint8Array; readonly errors: string }> {
  const child = await startProgram(processes, name, args).catch((error: unknown) => {
    throw new Error(`execution error: ${messageOf(error)}: `, { cause: error })
  })
  const ended = whenEnded(child)
  // A program need not read its input, so a closed pipe is not a failure.
  child.stdin!.on('error', () => undefined)
  child.stdin!.end(input)
  const [output, errors] = await Promise.all([bytesOf(child.stdout!), bytesOf(child.stderr!)])
  const failure = await ended
  if (failure !== null) throw new Error(`execution error: ${failure}: ${errors.toString('utf8')}`)
  return { output, errors: errors.toString('utf8') }
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}
