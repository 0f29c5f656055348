import { fileURLToPath } from 'node:url'
import { StorageError } from './errors.ts'
import { openFileStore } from './file-store.ts'
import { openMemoryStore } from './memory-store.ts'
import type { ObjectStore } from './object-store.ts'
import type { RemoteStoreOptions } from './remote/remote-store.ts'

export interface StoreOptions extends RemoteStoreOptions {
  /** Whether a put waits until the data is on disk; for `file://` only. Defaults to true. */
  readonly fsync?: boolean
}

/**
 * Opens the bucket of a URL: `s3://`, `gs://`, `azblob://`, `file:///absolute/folder` or `mem://NAME` (limited by
 * `?max_bytes=N`), in the style of Go CDK. Sends nothing yet: `probeStore` checks whether the bucket is usable. Throws
 * `invalid_url` for URLs that name no bucket or have unknown parameters.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<ObjectStore> {
  const parsed = URL.parse(url)
  switch (parsed?.protocol) {
    case 'mem:': {
      const maxBytes = parsed.searchParams.get('max_bytes')
      return openMemoryStore(maxBytes === null ? {} : { maxBytes: parseBytes(maxBytes, url) })
    }
    case 'file:':
      return openFileStore(parseFolder(parsed), options)
    case 's3:':
      return (await import('./s3/s3-store.ts')).openS3Store(parsed, options)
    case 'gs:':
      return (await import('./gcs/gcs-store.ts')).openGcsStore(parsed, options)
    case 'azblob:':
      return (await import('./azure/azure-store.ts')).openAzureStore(parsed, options)
    default:
      throw new StorageError(
        'invalid_url',
        `${url} is not the URL of a bucket: use s3://BUCKET?region=REGION, gs://BUCKET, azblob://CONTAINER, file:///FOLDER or mem://`,
      )
  }
}

function parseFolder(url: URL): string {
  try {
    return fileURLToPath(`file://${url.pathname}`)
  } catch (cause) {
    throw new StorageError('invalid_url', `${url.href} does not name a folder`, { cause })
  }
}

function parseBytes(text: string, url: string): number {
  if (!/^[1-9]\d{0,15}$/.test(text))
    throw new StorageError('invalid_url', `max_bytes of ${url} is not a number of bytes`)
  return Number(text)
}
