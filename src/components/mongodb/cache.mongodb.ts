import { messageOf, fieldsOf } from '../../base/index.ts'
import { isUtf8 } from 'node:buffer'
import { ConfigError, defineCache, field } from '../../engine/index.ts'
import { utf8Text } from '../../bloblang/index.ts'
import { ClientHolder, clientFields } from './client.ts'

/** A document with the same value of a unique field exists. */
const DUPLICATE_KEY = 11_000

export default defineCache({
  name: 'mongodb',
  version: '1.0.0',
  summary: 'Stores items in a MongoDB collection.',
  description:
    'Items never expire here, but MongoDB can remove documents by a TTL index. Adding an existing key fails only if the key field is unique: `_id`, or a field with a unique index. Values that are not text are stored as binary data.',
  config: field.object({
    ...clientFields,
    collection: field.string('The collection.'),
    key_field: field.string('The field that holds the key.'),
    value_field: field.string('The field that holds the value.'),
  }),
  requires: ['mongodb'],
  async create(config, resources) {
    const holder = new ClientHolder(config, resources)
    const { client, bson } = await holder.connect().catch((error: unknown) => {
      throw new ConfigError(messageOf(error), { cause: error })
    })
    const collection = client.db(config.database).collection<Record<string, unknown>>(config.collection)
    const { key_field: keyField, value_field: valueField } = config
    const stored = (value: Uint8Array) => (isUtf8(value) ? utf8Text(value) : new bson.Binary(value))
    return {
      async get(key) {
        const document = await collection.findOne({ [keyField]: key })
        const value: unknown = document?.[valueField]
        if (document === null || value === undefined || value === null) return undefined
        return value instanceof bson.Binary ? value.value() : new TextEncoder().encode(String(value))
      },
      async set(key, value) {
        await collection.updateOne({ [keyField]: key }, { $set: { [valueField]: stored(value) } }, { upsert: true })
      },
      async add(key, value) {
        try {
          await collection.insertOne({ [keyField]: key, [valueField]: stored(value) })
          return true
        } catch (error) {
          if (fieldsOf(error)['code'] === DUPLICATE_KEY) return false
          throw error
        }
      },
      async delete(key) {
        await collection.deleteOne({ [keyField]: key })
      },
      close: () => holder.close(),
    }
  },
})
