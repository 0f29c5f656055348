import { backoffField, type Cache, defineCache, field, withBackoff } from '../../engine/index.ts'
import { S3Client, S3Error } from './s3-client.ts'
import { AwsSession, awsConfig, credentialsHelp, sessionFields } from './session.ts'

export default defineCache({
  name: 'aws_s3',
  summary: 'Stores each item as an object in an S3 bucket.',
  description: `Items are kept until they are deleted: a time to live is ignored. Adding an item only if it does not exist requires a server with conditional puts (\`If-None-Match\`), such as S3 itself.

${credentialsHelp}`,
  config: awsConfig({
    bucket: field.string('The bucket.'),
    content_type: field.string('The content type of the objects.').default('application/octet-stream'),
    force_path_style_urls: field
      .bool('Whether the bucket is part of the URL path rather than of the host name.')
      .default(false)
      .advanced(),
    retries: backoffField('The intervals between attempts of a failed operation.'),
    ...sessionFields,
  }),
  needs: ['network'],
  create(config, resources): Cache {
    const { bucket, content_type: type, retries } = config
    const session = new AwsSession(config, resources)
    const client = new S3Client(session, { pathStyle: config.force_path_style_urls }, resources)
    const isAnswer = (error: unknown) => isMissing(error) || isThere(error)
    const run = <T>(attempt: () => Promise<T>) => withBackoff(retries, resources, attempt, isAnswer)
    const set = (key: string, value: Uint8Array) => run(() => client.put(bucket, key, value, { 'content-type': type }))
    return {
      get: key =>
        run(async () => (await client.read(bucket, key, Number.POSITIVE_INFINITY)).body).catch((error: unknown) => {
          if (isMissing(error)) return undefined
          throw error
        }),
      set,
      async add(key, value) {
        const id = resources.host.random().toString(36).slice(2)
        const headers = { 'content-type': type, 'if-none-match': '*', [PUT_ID]: id }
        try {
          await run(() => client.put(bucket, key, value, headers))
          return true
        } catch (error) {
          if (!isThere(error)) throw error
          // If the response to an earlier attempt was lost, the retry finds that attempt's object.
          const found = await run(() => client.head(bucket, key))
          return found?.[PUT_ID] === id
        }
      },
      delete: key => run(() => client.delete(bucket, key)),
      close: () => client.close(),
    }
  },
})

/** Metadata key of the id that each put gets. */
const PUT_ID = 'x-amz-meta-put-id'

function isThere(error: unknown): boolean {
  return error instanceof S3Error && error.status === 412
}

function isMissing(error: unknown): boolean {
  return error instanceof S3Error && error.isMissing
}
