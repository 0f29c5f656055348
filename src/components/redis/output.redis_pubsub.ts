import { batchingField, defineOutput, evaluated, field, maxInFlightField } from '../../engine/index.ts'
import { bodyOf, clientFields, CommandOutput } from './client.ts'

export default defineOutput({
  name: 'redis_pubsub',
  categories: ['Services'],
  summary: 'Publishes messages to Redis channels.',
  description: 'A message counts as delivered once the server has received it, whether or not there are subscribers.',
  config: field.object({
    ...clientFields,
    channel: field.interpolated('The channel.'),
    max_in_flight: maxInFlightField(64),
    batching: batchingField,
  }),
  requires: ['redis'],
  needs: ['network'],
  create: (config, resources) =>
    new CommandOutput(config, resources, (batch, index) => [
      'PUBLISH',
      evaluated('channel', () => config.channel.eval(batch, index)),
      bodyOf(batch[index]!),
    ]),
})
