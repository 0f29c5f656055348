import { basename } from 'node:path'

/**
 * The URL of a worker's entry file, which is `*.worker.ts` beside its user in the source tree and
 * `*.worker.mjs` in the flat dist/ folder once bundled (tools/build.ts makes one entry of each).
 */
export function workerUrl(importMetaUrl: string, relativePath: `./${string}.worker.ts`): URL {
  if (importMetaUrl.endsWith('.ts')) return new URL(relativePath, importMetaUrl)
  return new URL(`./${basename(relativePath, '.ts')}.mjs`, importMetaUrl)
}
