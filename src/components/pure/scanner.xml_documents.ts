import { Buffer } from 'node:buffer'
import { ConfigError, defineScanner, field, Message } from '../../engine/index.ts'
import { expression } from './expression.ts'
import { XmlSplitter } from './xml-documents.ts'

/** Maximum number of messages handed on together. */
const RUN = 1024

export default defineScanner({
  name: 'xml_documents',
  summary: 'Makes each XML document of a source a message, as JSON.',
  description:
    'Documents follow one another; text between them is skipped. They are converted to JSON as by the `xml` processor. A document may have up to 64 MiB.',
  config: field.object({
    operator: field.string('The operation.').options({ to_json: 'Parses XML into a document.' }).default(''),
    cast: field.bool('Whether values that look like numbers or booleans are converted.').default(false),
  }),
  create({ operator, cast }, resources) {
    if (operator !== 'to_json') throw new ConfigError(`operator not recognised: ${operator}`)
    const parse = expression(`this.parse_xml(cast: ${cast})`, resources.host)
    return {
      scan(source) {
        const splitter = new XmlSplitter()
        let waiting: string[] = []
        let isEnded = false
        const fill = async () => {
          while (waiting.length === 0 && !isEnded) {
            const piece = await source.read()
            isEnded = piece === null
            waiting = piece === null ? splitter.end() : splitter.push(Buffer.from(piece))
          }
        }
        return {
          async next() {
            await fill()
            const messages: Message[] = []
            while (messages.length < RUN && waiting.length > 0) {
              try {
                messages.push(Message.fromValue(null, source.metadata).withDocument(parse(waiting[0]!)))
                waiting.shift()
              } catch (error) {
                // Messages before the malformed document are delivered first.
                if (messages.length > 0) return messages
                isEnded = true
                waiting = []
                throw error
              }
            }
            return messages.length === 0 ? null : messages
          },
          close: () => source.close(),
        }
      },
    }
  },
})
