import { dirname, isAbsolute, join } from 'node:path'
import type { Host, Importer } from '../bloblang/index.ts'
import { systemHost } from './system-host.ts'

/** Resolves imports of mappings from the host's files; relative paths start at `folder`. */
export function fileImporter(folder: string, host: Pick<Host, 'readFile'> = systemHost): Importer {
  const locate = (path: string) => (isAbsolute(path) ? path : join(folder, path))
  return {
    read: path => Buffer.from(host.readFile(locate(path))).toString('utf8'),
    relativeTo: path => fileImporter(dirname(locate(path)), host),
  }
}
