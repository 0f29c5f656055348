import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** A file of an installed package, by the name that it exports it under or by its path: `package/file.wasm`. */
export function readPackageFile(name: string): Uint8Array<ArrayBuffer> {
  return readFileSync(createRequire(import.meta.url).resolve(name))
}
