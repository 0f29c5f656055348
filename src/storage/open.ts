import { fileURLToPath } from 'node:url'
import { StorageError } from './errors.ts'
import { openFileStore } from './file-store.ts'
import { openMemoryStore } from './memory-store.ts'
import type { ObjectStore } from './object-store.ts'

export interface StoreOptions {
  /** Whether a put waits until the disk has it; for `file://` only. True when it is not told. */
  readonly fsync?: boolean
}

/**
 * Opens the bucket of a URL: `mem://NAME` (`?max_bytes=N` bounds it) or `file:///absolute/folder`.
 * Throws `invalid_url` for others.
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
    default:
      throw new StorageError('invalid_url', `${url} is not the URL of a store: use mem:// or file:///folder`)
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
