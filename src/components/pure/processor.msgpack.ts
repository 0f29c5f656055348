import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression } from './expression.ts'

export default defineProcessor({
  name: 'msgpack',
  status: 'beta',
  categories: ['Parsing'],
  version: '1.0.0',
  summary: 'Converts documents to MessagePack and back.',
  config: field.object({
    operator: field.string('The direction.').options({
      to_json: 'From MessagePack to a document.',
      from_json: 'From a document to MessagePack.',
    }),
  }),
  examples: [
    {
      title: 'Round trip',
      config: 'try:\n  - msgpack:\n      operator: from_json\n  - msgpack:\n      operator: to_json\n',
      input: ['{"a":[1,"x",null]}'],
      output: ['{"a":[1,"x",null]}'],
    },
  ],
  create({ operator }, resources) {
    const parses = operator === 'to_json'
    const convert = expression(parses ? 'this.parse_msgpack()' : 'this.format_msgpack()', resources.host)
    const what = parses ? 'failed to convert MsgPack document to JSON' : 'failed to convert JSON to MsgPack'
    return {
      ...perMessage(message => {
        try {
          if (parses) return message.withDocument(convert(message.bytes()))
          // `format_msgpack` returns bytes.
          return message.withBytes(convert(documentOf(() => message.structured())) as Uint8Array)
        } catch (error) {
          const text = messageOf(error)
          return resources.fail(message, error instanceof NoDocumentError ? text : `${what}: ${text}`)
        }
      }),
    }
  },
})

class NoDocumentError extends Error {}

function documentOf<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new NoDocumentError(`failed to parse message as JSON: ${messageOf(error)}`)
  }
}
