import { isObject, type Value } from '../../bloblang/index.ts'
import { ConfigError, defineOutput, evaluated, field, maxInFlightField, type Message } from '../../engine/index.ts'
import { type Argument, argumentOf, clientFields, CommandOutput, metadataArgument } from './client.ts'

export default defineOutput({
  name: 'redis_hash',
  categories: ['Services'],
  summary: 'Sets fields of Redis hashes.',
  description: `The fields are taken from the following sources, where later ones override earlier ones of the same name:

1. the metadata of the message, with \`walk_metadata\`;
2. the fields of its document, with \`walk_json_object\`; arrays and objects are written as JSON;
3. \`fields\`.`,
  config: field.object({
    ...clientFields,
    key: field.interpolated('The key of the hash.').examples('${! @.kafka_key }', '${! this.doc.id }'),
    walk_metadata: field.bool('Whether all metadata is written.').default(false),
    walk_json_object: field.bool('Whether the fields of the document are written.').default(false),
    fields: field.interpolated('Fields by name.').map().default({}),
    max_in_flight: maxInFlightField(64),
  }),
  requires: ['redis'],
  needs: ['network'],
  examples: [
    {
      title: 'A hash for each document',
      config: `output:
  redis_hash:
    url: redis://localhost:6379
    key: \${! this.id }
    fields:
      topic: \${! @kafka_topic }
      content: \${! this.document.text }
`,
    },
  ],
  create(config, resources) {
    const { key, fields: own, walk_metadata: walksMetadata, walk_json_object: walksDocument } = config
    if (!walksMetadata && !walksDocument && Object.keys(own).length === 0) {
      throw new ConfigError('at least one mechanism for setting fields must be enabled')
    }
    return new CommandOutput(config, resources, (batch, index) => {
      const message = batch[index]!
      const fields = new Map<string, Argument>()
      if (walksMetadata) for (const [name, value] of message.metadata) fields.set(name, metadataArgument(value))
      if (walksDocument) {
        for (const [name, value] of Object.entries(documentOf(message))) fields.set(name, argumentOf(value))
      }
      for (const [name, text] of Object.entries(own)) {
        fields.set(
          name,
          evaluated(`field ${name}`, () => text.eval(batch, index)),
        )
      }
      if (fields.size === 0) throw new Error('there are no fields to set')
      return ['HSET', evaluated('key', () => key.eval(batch, index)), ...[...fields].flat()]
    })
  },
})

function documentOf(message: Message): Readonly<Record<string, Value>> {
  const document = message.structured()
  if (isObject(document)) return document
  throw new Error('failed to walk JSON object: the message is not an object')
}
