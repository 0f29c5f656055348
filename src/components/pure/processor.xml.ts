import { messageOf } from '../../base/index.ts'
import { ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression } from './expression.ts'

export default defineProcessor({
  name: 'xml',
  status: 'beta',
  categories: ['Parsing'],
  summary: 'Converts XML documents to JSON.',
  description:
    'Attributes become fields whose names start with a dash, the text of an element that has attributes or children becomes the field `#text`, and repeated elements become an array.',
  config: field.object({
    operator: field.string('The operation.').options({ to_json: 'Parses XML into a document.' }).default(''),
    cast: field.bool('Whether values that look like numbers or booleans are converted.').default(false),
  }),
  examples: [
    {
      title: 'Parsing a document',
      config: 'xml:\n  operator: to_json\n',
      input: ['<root><title id="7">Hello</title><p>a</p><p>b</p></root>'],
      output: ['{"root":{"p":["a","b"],"title":{"#text":"Hello","-id":"7"}}}'],
    },
    {
      title: 'Converting types',
      config: 'xml:\n  operator: to_json\n  cast: true\n',
      input: ['<root><n>5</n><ok>true</ok></root>'],
      output: ['{"root":{"n":5,"ok":true}}'],
    },
  ],
  create({ operator, cast }, resources) {
    if (operator !== 'to_json') throw new ConfigError(`operator not recognised: ${operator}`)
    const parse = expression(`this.parse_xml(cast: ${cast})`, resources.host)
    return {
      ...perMessage(message => {
        try {
          return message.withDocument(parse(message.text()))
        } catch (error) {
          const text = messageOf(error).replace(/^failed to parse value as XML: /, '')
          resources.log.debug(`Failed to parse part as XML: ${text}`)
          return resources.fail(message, text)
        }
      }),
    }
  },
})
