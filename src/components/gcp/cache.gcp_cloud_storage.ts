import { type Cache, defineCache, field } from '../../engine/index.ts'
import { bytesOf } from './rest-client.ts'
import { credentialsHelp, gcpConfig } from './session.ts'
import { isMissing, isPresent, StorageClient, storageFields } from './storage-client.ts'

export default defineCache({
  name: 'gcp_cloud_storage',
  status: 'beta',
  summary: 'Stores each item as an object in a Google Cloud Storage bucket.',
  description: `Items are kept until they are deleted: a time to live is ignored. Adding an item only if it does not exist uses a conditional request, so that only one of several writers succeeds; the original checks first and then writes.

${credentialsHelp}`,
  config: gcpConfig({
    bucket: field.string('The bucket.'),
    content_type: field.string('The content type of the objects, `application/octet-stream` by default.').optional(),
    ...storageFields,
  }),
  needs: ['network'],
  create(config, resources): Cache {
    const { bucket, content_type: contentType = 'application/octet-stream' } = config
    const client = new StorageClient(config, resources)
    const put = (key: string, value: Uint8Array, more: object = {}) => {
      const id = resources.host.random().toString(36).slice(2)
      const metadata = { [PUT_ID]: id }
      return { id, done: client.put(bucket, key, value, { contentType, metadata }, { chunkBytes: 0, ...more }) }
    }
    return {
      async get(key) {
        try {
          return await bytesOf((await client.open({ bucket, name: key, generation: '' }, 0)).body)
        } catch (error) {
          if (isMissing(error)) return undefined
          throw error
        }
      },
      set: (key, value) => put(key, value).done,
      async add(key, value) {
        const { id, done } = put(key, value, { ifAbsent: true })
        try {
          await done
          return true
        } catch (error) {
          if (!isPresent(error)) throw error
          // If the response to an earlier attempt was lost, the retry finds that attempt's object.
          return (await client.attributes(bucket, key))?.metadata[PUT_ID] === id
        }
      },
      delete: key => client.delete(bucket, key),
      close: () => client.close(),
    }
  },
})

/** Metadata key of the id that each put gets. */
const PUT_ID = 'put-id'
