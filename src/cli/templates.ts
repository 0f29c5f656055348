import { messageOf } from '../base/index.ts'
import { dirname, resolve } from 'node:path'
import process from 'node:process'
import { fileImporter, systemHost } from '../host/index.ts'
import { parseContext, readTemplate, type Registry, type Template } from '../engine/index.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { commandLineRegistry } from './registry.ts'
import { expand, readText } from './source.ts'

/** Reads a template file. Throws an `Error` if it cannot be read at all. */
function openTemplate(path: string, registry: Registry): Template {
  const options = { registry, host: systemHost, importer: fileImporter(dirname(resolve(path))) }
  return readTemplate(readText(path), parseContext(options), options)
}

/**
 * The registry of a command line: every component, and those defined by its templates. Problems with templates are
 * reported on standard error; throws {@link SourceError} if they are fatal.
 */
export async function registryOf(options: Pick<EngineOptions, 'templates' | 'chilled'>): Promise<Registry> {
  const registry = commandLineRegistry()
  const paths = expand(options.templates)
  if (paths.length === 0) return registry
  // The components used by a template are only known when it is expanded.
  await registry.loadAll()
  const specs = paths.map(path => {
    try {
      const template = openTemplate(path, registry)
      for (const { line, column, text } of template.findings) {
        const finding = `template file ${path}: (${line},${column}) ${text}`
        if (!options.chilled) throw new SourceError(finding)
        process.stderr.write(`${finding}\n`)
      }
      return template.spec()
    } catch (error) {
      if (error instanceof SourceError) throw error
      throw new SourceError(`template ${path}: ${messageOf(error)}`, { cause: error })
    }
  })
  return registry.extended(specs)
}

/** Checks templates and runs their tests. Resolves to the exit code: 1 if there are findings. */
export async function lintTemplates(paths: readonly string[]): Promise<number> {
  const registry = commandLineRegistry()
  await registry.loadAll()
  let isClean = true
  for (const path of paths) {
    const report = (line: number, column: number, text: string) => {
      isClean = false
      process.stderr.write(`${path}(${line},${column}) ${text}\n`)
    }
    try {
      const template = openTemplate(path, registry)
      for (const { line, column, text } of template.findings) report(line, column, text)
      for (const text of template.test()) report(1, 1, text)
    } catch (error) {
      report(1, 1, messageOf(error))
    }
  }
  return isClean ? 0 : 1
}
