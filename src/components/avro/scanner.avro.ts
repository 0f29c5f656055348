import { defineScanner, field, Message } from '../../engine/index.ts'
import { Output } from '../protobuf/output.ts'
import { expression, quoted } from '../pure/expression.ts'
import { type Block, Container } from './container.ts'
import { AvroError, Cursor } from './cursor.ts'
import { printer } from './print.ts'

/** Maximum number of messages handed on together. */
const RUN = 1024

export default defineScanner({
  name: 'avro',
  summary: 'Makes each value of an Avro object container file a message.',
  description:
    'The messages are JSON: Avro JSON, in which a value of a union is keyed by the name of its type (`{"string":"a"}`), or plain JSON with `raw_json`. Logical types appear as their underlying numbers. Blocks may be compressed with `deflate`, `snappy`, `zstandard` or `bzip2`, and are read one at a time.',
  config: field.object({
    raw_json: field.bool('Whether values of unions appear without their types.').default(false).advanced(),
  }),
  create({ raw_json: isPlain }, resources) {
    const unpackers = new Map<string, (bytes: Uint8Array) => unknown>()
    const unpack = (algorithm: string, bytes: Uint8Array) => {
      const made = unpackers.get(algorithm) ?? expression(`this.decompress(${quoted(algorithm)})`, resources.host)
      unpackers.set(algorithm, made)
      return made(bytes) as Uint8Array // the return type of `decompress`
    }
    return {
      scan(source) {
        const container = new Container(source, unpack)
        const cursor = new Cursor()
        const output = new Output()
        let print: ReturnType<typeof printer> | undefined
        let left = 0
        const begin = (block: Block) => {
          cursor.use(block.bytes)
          left = block.count
        }
        const finish = () => {
          const extra = cursor.input.length - cursor.at
          if (extra === 0) return
          throw new AvroError(`extra bytes between final datum in previous block and block sync marker: ${extra}`)
        }
        return {
          async next() {
            print ??= printer(await container.type(), isPlain)
            if (left === 0) {
              finish()
              const block = await container.next()
              if (block === null) return null
              begin(block)
            }
            const messages: Message[] = []
            while (left > 0 && messages.length < RUN) {
              try {
                const start = cursor.at
                output.length = 0
                print(cursor, output, 0)
                cursor.passed(start, 'block')
              } catch (error) {
                // Messages before the malformed value are delivered first.
                if (messages.length > 0) return messages
                throw error
              }
              messages.push(Message.fromBytes(output.take(), source.metadata))
              left--
            }
            return messages
          },
          close: () => source.close(),
        }
      },
    }
  },
})
