import { ConfigError, defineProcessor, field, mapMessages } from '../../engine/index.ts'
import { expression, quoted } from './expression.ts'

export default defineProcessor({
  name: 'json_schema',
  categories: ['Mapping'],
  summary: 'Flags messages that a JSON schema does not allow.',
  config: field.object({
    schema: field.string('The schema.').optional(),
    schema_path: field.string('A file with the schema, as `file://path`.').optional(),
  }),
  create({ schema, schema_path: path }, resources) {
    let text = schema ?? ''
    if (path !== undefined && path !== '') {
      if (!path.startsWith('file://') && !path.startsWith('http://')) {
        throw new ConfigError('invalid schema_path provided, must start with file:// or http://')
      }
      try {
        text = Buffer.from(resources.host.readFile(path.replace(/^file:\/\//, ''))).toString('utf8')
      } catch (error) {
        throw new ConfigError(`failed to load JSON schema definition: ${(error as Error).message}`, { cause: error })
      }
    }
    if (text === '') throw new ConfigError('either schema or schema_path must be provided')
    const check = expression(`this.json_schema(${quoted(text)})`, resources.host)
    return {
      process: batch =>
        mapMessages(batch, message => {
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
