import { batchingField, defineOutput, field, maxInFlightField, throwFailures } from '../../engine/index.ts'
import {
  checkMaps,
  ClientHolder,
  clientFields,
  deprecatedRetryFields,
  mapFields,
  type Operation,
  operationTexts,
  writeConcernField,
  writeMessages,
} from './client.ts'

export default defineOutput({
  name: 'mongodb',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Writes documents to MongoDB.',
  description:
    'The messages of a batch are written with one command per collection, in order. A message whose document is rejected fails on its own; those after it are written.',
  config: field.object({
    ...clientFields,
    collection: field.interpolated('The collection.'),
    operation: field.string('The operation for each message.').options(operationTexts).default('update-one'),
    write_concern: writeConcernField,
    ...mapFields,
    max_in_flight: maxInFlightField(64),
    batching: batchingField,
    ...deprecatedRetryFields,
  }),
  requires: ['mongodb'],
  examples: [
    {
      title: 'Inserting or updating a document',
      config: `output:
  mongodb:
    url: mongodb://localhost:27017
    database: shop
    collection: orders
    operation: update-one
    filter_map: root._id = this.id
    document_map: 'root."$set" = this.without("id")'
    upsert: true
`,
    },
  ],
  create(config, resources) {
    const holder = new ClientHolder(config, resources)
    checkMaps(config.operation as Operation, config) // the field has no other options
    return {
      async connect() {
        await holder.connect()
      },
      async write(batch) {
        throwFailures(batch, await writeMessages(holder.get(), config, batch, (_, index) => [batch, index]))
      },
      async writeRun(run) {
        const failures = await writeMessages(holder.get(), config, run, message => [[message], 0])
        return run.map(message => failures.get(message) ?? null)
      },
      close: () => holder.close(),
    }
  },
})
