import { MappingError } from '../errors.ts'
import type { Host } from '../stdlib/spec.ts'

/** Reads a file of the host. */
export function readHostFile(host: Host, path: string): Uint8Array {
  return asMappingError(() => host.readFile(path))
}

/** Reads a file relative to the mapping. */
export function readRelativeFile(host: Host, path: string): Uint8Array {
  return asMappingError(() => (host.readRelativeFile === undefined ? host.readFile(path) : host.readRelativeFile(path)))
}

function asMappingError(read: () => Uint8Array): Uint8Array {
  try {
    return read()
  } catch (error) {
    throw error instanceof Error ? new MappingError(error.message) : error
  }
}
