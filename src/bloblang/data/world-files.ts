import { MappingError } from '../errors.ts'
import type { World } from '../stdlib/spec.ts'

/** Reads a file of the world, with error texts as of the original. */
export function readWorldFile(world: World, path: string): Uint8Array {
  return wordingErrors(path, () => world.readFile(path))
}

/** Reads a file beside the mapping. */
export function readRelativeFile(world: World, path: string): Uint8Array {
  return wordingErrors(path, () =>
    world.readRelativeFile === undefined ? world.readFile(path) : world.readRelativeFile(path),
  )
}

function wordingErrors(path: string, read: () => Uint8Array): Uint8Array {
  try {
    return read()
  } catch (error) {
    if (error instanceof MappingError || !(error instanceof Error)) throw error
    const { code, path: failedPath = path } = error as NodeJS.ErrnoException
    throw new MappingError(fileFault(code, failedPath) ?? error.message)
  }
}

function fileFault(code: string | undefined, path: string): string | undefined {
  switch (code) {
    case 'ENOENT':
      return `open ${path}: no such file or directory`
    case 'EACCES':
      return `open ${path}: permission denied`
    case 'EISDIR':
      return `read ${path}: is a directory`
    case 'ENOTDIR':
      return `open ${path}: not a directory`
    default:
      return undefined
  }
}
