import { messageOf } from '../../base/index.ts'
import { type Batch, ConfigError, defineProcessor, field, type Message } from '../../engine/index.ts'
import {
  checkMaps,
  ClientHolder,
  clientFields,
  collectionOf,
  deprecatedRetryFields,
  jsonOf,
  mapFields,
  mapped,
  marshalModeField,
  type Operation,
  operationTexts,
  writeConcernField,
  writeMessages,
} from './client.ts'

export default defineProcessor({
  name: 'mongodb',
  categories: ['Services'],
  version: '1.0.0',
  summary: 'Reads or writes MongoDB documents for each message.',
  description:
    'With `find-one` the document replaces the body; the other operations leave the message unchanged. A message whose operation fails is flagged as failed.',
  config: field.object({
    ...clientFields,
    collection: field.interpolated('The collection.'),
    operation: field
      .string('The operation for each message.')
      .options({ ...operationTexts, 'find-one': 'Reads the first document that matches.' })
      .default('insert-one'),
    write_concern: writeConcernField,
    ...mapFields,
    json_marshal_mode: marshalModeField,
    ...deprecatedRetryFields,
  }),
  requires: ['mongodb'],
  async create(config, resources) {
    const holder = new ClientHolder(config, resources)
    checkMaps(config.operation as Operation, config) // the field has no other options
    const connected = await holder.connect().catch((error: unknown) => {
      throw new ConfigError(messageOf(error), { cause: error })
    })

    async function find(batch: Batch, index: number): Promise<Message> {
      const message = batch[index]!
      try {
        const { filter, hint } = mapped(config, connected.bson, batch, index)
        const collection = connected.client
          .db(config.database)
          .collection(collectionOf(config.collection, batch, index))
        const document = await collection.findOne(filter, {
          promoteValues: false,
          ...(hint === undefined ? {} : { hint }),
        })
        if (document === null) throw new Error('mongo: no documents in result')
        return message.withText(jsonOf(connected.bson, document, config.json_marshal_mode))
      } catch (error) {
        return resources.fail(message, error)
      }
    }

    async function process(batch: Batch): Promise<readonly Batch[]> {
      if (config.operation === 'find-one') return [await Promise.all(batch.map((_, index) => find(batch, index)))]
      try {
        const failures = await writeMessages(connected, config, batch, (_, index) => [batch, index])
        if (failures.size === 0) return [batch]
        return [
          batch.map(message => (failures.has(message) ? resources.fail(message, failures.get(message)) : message)),
        ]
      } catch (error) {
        return [batch.map(message => resources.fail(message, error))]
      }
    }

    return { effects: true, waits: true, process, close: () => holder.close() }
  },
})
