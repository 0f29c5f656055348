import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/**
 * Reads a file of an installed package, by the name that the package exports it
 * under or by its path: `package/file.wasm`.
 */
export function readPackageFile(name: string): Uint8Array<ArrayBuffer> {
  return readFileSync(createRequire(import.meta.url).resolve(name))
}
