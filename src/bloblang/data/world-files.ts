import { MappingError } from '../errors.ts'
import type { World } from '../stdlib/spec.ts'

/** Reads a file of the world. */
export function readWorldFile(world: World, path: string): Uint8Array {
  return asMappingError(() => world.readFile(path))
}

/** Reads a file beside the mapping. */
export function readRelativeFile(world: World, path: string): Uint8Array {
  return asMappingError(() =>
    world.readRelativeFile === undefined ? world.readFile(path) : world.readRelativeFile(path),
  )
}

function asMappingError(read: () => Uint8Array): Uint8Array {
  try {
    return read()
  } catch (error) {
    throw error instanceof Error ? new MappingError(error.message) : error
  }
}
