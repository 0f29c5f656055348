import type { Readable } from 'node:stream'
import type { Value } from '../../bloblang/index.ts'
import type { ByteSource, Metadata } from '../../engine/index.ts'
import type { S3Object } from './s3-client.ts'

/** An object of a bucket as a source for a scanner. */
export function s3Source(bucket: string, key: string, object: S3Object, name: string): ByteSource {
  const { body } = object
  const chunks = body[Symbol.asyncIterator]()
  return {
    name,
    metadata: metadataOf(bucket, key, object.headers, { withLength: true }),
    async read() {
      const { done, value } = await chunks.next()
      return done === true ? null : value
    },
    close: () => closed(body),
  }
}

/** An object that was read whole. */
export function wholeSource(name: string, metadata: Metadata, body: Uint8Array): ByteSource {
  let rest: Uint8Array | null = body.length === 0 ? null : body
  return {
    name,
    metadata,
    read() {
      const bytes = rest
      rest = null
      return bytes
    },
    close: () => undefined,
  }
}

/** Resolves once the body is closed; an unfinished response closes its connection. */
async function closed(body: Readable): Promise<void> {
  if (body.closed) return
  // A body destroyed before its end emits an error, which is expected here.
  body.on('error', () => undefined)
  body.destroy()
}

const USER_METADATA = 'x-amz-meta-'

/** The metadata that an object's headers give its messages. */
export function metadataOf(
  bucket: string,
  key: string,
  headers: S3Object['headers'],
  { withLength }: { readonly withLength: boolean },
): Metadata {
  const text = (name: string) => (typeof headers[name] === 'string' ? headers[name] : undefined)
  const metadata = new Map<string, Value>([
    ['s3_key', key],
    ['s3_bucket', bucket],
  ])
  const modifiedMs = Date.parse(text('last-modified') ?? '')
  if (!Number.isNaN(modifiedMs)) {
    metadata.set('s3_last_modified', new Date(modifiedMs).toISOString().replace('.000Z', 'Z'))
    metadata.set('s3_last_modified_unix', BigInt(Math.floor(modifiedMs / 1000)))
  }
  const set = (name: string, value: string | undefined) => value !== undefined && metadata.set(name, value)
  set('s3_content_type', text('content-type'))
  set('s3_content_encoding', text('content-encoding'))
  const length = text('content-length')
  if (withLength && length !== undefined) metadata.set('s3_content_length', BigInt(length))
  const version = text('x-amz-version-id')
  if (version !== 'null') set('s3_version_id', version)
  for (const name of Object.keys(headers)) {
    if (name.startsWith(USER_METADATA)) set(name.slice(USER_METADATA.length), text(name))
  }
  return metadata
}
