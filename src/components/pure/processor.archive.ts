import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { Value } from '../../bloblang/index.ts'
import { defineProcessor, field, type Message, type Resources } from '../../engine/index.ts'
import { type Member, packBinary, packTar, packZip } from './containers.ts'

export default defineProcessor({
  name: 'archive',
  namesFailures: true,
  categories: ['Parsing', 'Utility'],
  summary: 'Packs the messages of a batch into one.',
  description: 'The new message has the metadata of the first message.',
  config: field.object({
    format: field.string('The archive format.').options({
      binary: 'Each message preceded by its size.',
      concatenate: 'Concatenated without separators.',
      json_array: 'As elements of a JSON array.',
      lines: 'Separated by line breaks.',
      tar: 'As files of a tar archive.',
      zip: 'As files of a zip archive.',
    }),
    path: field
      .interpolated('The name of each file.')
      .default('')
      .examples('${!count("files")}-${!timestamp_unix_nano()}.txt'),
  }),
  create(config, resources) {
    const format = config.format.toLowerCase()
    const nameOf = (messages: readonly Message[], index: number) => {
      try {
        return config.path.eval(messages, index)
      } catch (error) {
        resources.log.error(`Name interpolation error: ${messageOf(error)}`)
        return ''
      }
    }
    return {
      process: messages => {
        try {
          const packed = pack(format, messages, nameOf, resources)
          if (messages.length === 1) return [[packed]]
          // An archive of archives counts the messages of the first one and the others as one each, as in the original.
          const collapsed = (packed.context?.collapsed ?? 1) - 1 + messages.length
          return [[packed.withContext({ ...packed.context, collapsed }).madeOf(messages)]]
        } catch (error) {
          resources.log.error(`Failed to create archive: ${messageOf(error)}`)
          return [messages.map(message => resources.fail(message, error))]
        }
      },
    }
  },
})

function pack(
  format: string,
  messages: readonly Message[],
  nameOf: (messages: readonly Message[], index: number) => string,
  resources: Resources,
): Message {
  const first = messages[0]!
  const bodies = () => messages.map(message => message.bytes())
  const members = (): readonly Member[] =>
    messages.map((message, index) => ({ name: nameOf(messages, index), bytes: message.bytes() }))
  switch (format) {
    case 'binary':
      return first.withBytes(packBinary(bodies()))
    case 'concatenate':
      return first.withBytes(Buffer.concat(bodies()))
    case 'lines':
      return first.withBytes(Buffer.concat(bodies().flatMap((body, index) => (index === 0 ? [body] : [NEWLINE, body]))))
    case 'tar':
      return first.withBytes(packTar(members(), resources.clock.now()))
    case 'zip':
      return first.withBytes(packZip(members()))
    default:
      return first.withDocument(messages.map(documentOf))
  }
}

const NEWLINE = Uint8Array.of(10)

function documentOf(message: Message): Value {
  try {
    return message.structured()
  } catch (error) {
    throw new Error(`failed to parse message as JSON: ${messageOf(error)}`)
  }
}
