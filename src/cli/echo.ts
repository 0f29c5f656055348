import process from 'node:process'
import { configFields, normalised, printYaml, shapesOf } from '../engine/index.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { loadEnvFiles, readSource } from './source.ts'
import { registryOf } from './templates.ts'

/** Prints a configuration as parsed. Resolves to the exit code. */
export async function echoConfig(options: EngineOptions): Promise<number> {
  try {
    loadEnvFiles(options.envFiles)
    const source = await readSource(options, await registryOf(options))
    if (source.failure !== undefined) throw new SourceError(source.failure)
    const shapes = shapesOf(configFields)
    process.stdout.write(
      `${printYaml(normalised(source.registry, { ...shapes, tests: { ...shapes['tests']!, optional: false } }, source.node))}\n`,
    )
    return 0
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    process.stderr.write(`Configuration file read error: ${error.message}\n`)
    return 1
  }
}
