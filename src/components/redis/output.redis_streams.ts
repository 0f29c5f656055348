import { batchingField, defineOutput, evaluated, field, maxInFlightField, type Message } from '../../engine/index.ts'
import { type Argument, bodyOf, clientFields, CommandOutput, metadataArgument } from './client.ts'

export default defineOutput({
  name: 'redis_streams',
  categories: ['Services'],
  summary: 'Appends messages to Redis streams.',
  description:
    'A missing stream is created. The fields of an entry are the metadata of its message and, under `body_key`, the message itself, which overrides metadata of the same name.',
  config: field.object({
    ...clientFields,
    stream: field.interpolated('The stream.'),
    body_key: field.string('The field that holds the message.').default('body'),
    max_length: field
      .int(
        'The approximate maximum number of entries in a stream; 0 means no limit. Redis removes the oldest entries in whole nodes.',
      )
      .default(0),
    max_in_flight: maxInFlightField(64),
    metadata: field.object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata is written.',
    ),
    batching: batchingField,
  }),
  requires: ['redis'],
  needs: ['network'],
  create(config, resources) {
    const { stream, body_key: bodyKey, max_length: maxLength } = config
    const excluded = config.metadata.exclude_prefixes
    const options = maxLength > 0 ? ['MAXLEN', '~', String(maxLength), '*'] : ['*']
    const fieldsOf = (message: Message): readonly Argument[] => {
      const fields: Argument[] = []
      for (const [key, value] of message.metadata) {
        if (key === bodyKey || excluded.some(prefix => key.startsWith(prefix))) continue
        fields.push(key, metadataArgument(value))
      }
      fields.push(bodyKey, bodyOf(message))
      return fields
    }
    return new CommandOutput(config, resources, (batch, index) => [
      'XADD',
      stream.static ?? evaluated('stream', () => stream.eval(batch, index)),
      ...options,
      ...fieldsOf(batch[index]!),
    ])
  },
})
