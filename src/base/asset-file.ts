import { readFileSync } from 'node:fs'
import { basename } from 'node:path'

/**
 * Reads a file that is beside its user in the source tree, and in the flat dist/ folder once bundled (tools/build.ts
 * copies it there).
 */
export function readAsset(importMetaUrl: string, relativePath: `./${string}.wasm`): Uint8Array<ArrayBuffer> {
  const isSource = importMetaUrl.endsWith('.ts')
  return readFileSync(new URL(isSource ? relativePath : `./${basename(relativePath)}`, importMetaUrl))
}
