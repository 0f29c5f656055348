import { messageOf } from '../../base/index.ts'
import { ConfigError, defineProcessor, field, perMessage } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'
import { needsOfLocation, readLocation } from './location.ts'

export default defineProcessor({
  name: 'json_schema',
  categories: ['Mapping'],
  summary: 'Flags messages that do not conform to a JSON schema as failed.',
  config: field.object({
    schema: field.string('The schema.').optional(),
    schema_path: field
      .string('The location of the schema: `file://path`, or a URL with `http://`.')
      .needsWhen(['files', 'network'], needsOfLocation)
      .optional(),
  }),
  async create({ schema, schema_path: path }, resources) {
    let definition = schema ?? ''
    if (path !== undefined && path !== '') {
      if (!path.startsWith('file://') && !path.startsWith('http://')) {
        throw new ConfigError('invalid schema_path provided, must start with file:// or http://')
      }
      try {
        definition = await readLocation(path, resources.host)
      } catch (error) {
        throw new ConfigError(`failed to load JSON schema definition: ${messageOf(error)}`, { cause: error })
      }
    }
    if (definition === '') throw new ConfigError('either schema or schema_path must be provided')
    const check = expression(`this.json_schema(${quoted(definition)})`, resources.host)
    return {
      ...perMessage(message => {
        try {
          check(message.structured())
          return message
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
    }
  },
})
