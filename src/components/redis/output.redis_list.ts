import { batchingField, defineOutput, evaluated, field, maxInFlightField } from '../../engine/index.ts'
import { bodyOf, clientFields, CommandOutput } from './client.ts'

export default defineOutput({
  name: 'redis_list',
  categories: ['Services'],
  summary: 'Pushes messages onto a Redis list.',
  description: 'A missing list is created.',
  config: field.object({
    ...clientFields,
    key: field.interpolated('The key of the list.').examples('some_list', '${! @.kafka_key }', '${! this.doc.id }'),
    max_in_flight: maxInFlightField(64),
    batching: batchingField,
    command: field
      .string('Which end elements are added to.')
      .options({ rpush: 'The tail.', lpush: 'The head.' })
      .default('rpush')
      .advanced(),
  }),
  requires: ['redis'],
  needs: ['network'],
  examples: [
    { title: 'A queue of jobs', config: 'output:\n  redis_list:\n    url: redis://localhost:6379\n    key: jobs\n' },
  ],
  create: (config, resources) =>
    new CommandOutput(config, resources, (batch, index) => [
      config.command,
      evaluated('key', () => config.key.eval(batch, index)),
      bodyOf(batch[index]!),
    ]),
})
