import { messageOf, codeOf } from '../base/index.ts'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { fileImporter, systemHost } from '../host/index.ts'
import {
  type Finding,
  type Node,
  nodeOf,
  parseDotEnv,
  type ReadConfig,
  readConfig,
  type ReadOptions,
  readResources,
  type Registry,
} from '../engine/index.ts'
import { type EngineOptions, SourceError } from './options.ts'

/** A configuration with the resources of all files, and all findings. */
export interface Source {
  /** Empty if there is no file. */
  readonly path: string
  readonly node: Node
  readonly registry: Registry
  readonly findings: readonly { readonly path: string; readonly finding: Finding }[]
  /** Why the configuration cannot be read at all. */
  readonly failure: string | undefined
  readonly options: ReadOptions
}

const DEFAULT_PATHS = ['/bento.yaml', '/etc/bento/config.yaml', '/etc/bento.yaml']
const RESOURCE_LISTS = [
  'input_resources',
  'processor_resources',
  'output_resources',
  'cache_resources',
  'rate_limit_resources',
]

/** Loads dotenv files into the environment. Throws {@link SourceError}. */
export function loadEnvFiles(paths: readonly string[]): void {
  for (const path of expand(paths)) {
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      throw new SourceError(`Failed to read dotenv file: ${openError(path, error)}`, { cause: error })
    }
    try {
      for (const [name, value] of parseDotEnv(text)) process.env[name] = value
    } catch (error) {
      throw new SourceError(`Failed to parse dotenv file: ${messageOf(error)}`, { cause: error })
    }
  }
}

/** Reads the configuration named on the command line. Throws {@link SourceError} if a file cannot be opened. */
export async function readSource(
  options: EngineOptions,
  registry: Registry,
  read: (text: string, options: ReadOptions) => Promise<ReadConfig> = readConfig,
): Promise<Source> {
  const path = options.config !== '' ? options.config : (DEFAULT_PATHS.find(each => existsSync(each)) ?? '')
  const text = path === '' ? (process.env['BENTO_CONFIG'] ?? '') : readText(path)
  const readOptions: ReadOptions = {
    registry,
    host: systemHost,
    importer: fileImporter(path === '' ? process.cwd() : dirname(resolve(path))),
    overrides: options.set,
  }
  const findings: { path: string; finding: Finding }[] = []
  let node: Node = nodeOf({})
  let failure: string | undefined
  if (text !== '' || path !== '' || options.set.length > 0) {
    const main = await read(text === '' ? '{}' : text, readOptions)
    node = main.node
    if (main.broken) failure = path === '' ? main.findings[0]!.text : `${path}: ${main.findings[0]!.text}`
    else for (const finding of main.findings) findings.push({ path, finding })
  } else {
    await registry.load(['stdin', 'stdout', 'none', 'prometheus'])
  }
  for (const file of expand(options.resources)) {
    const resources = await readResources(readText(file), { ...readOptions, overrides: [] })
    if (resources.broken) failure ??= `failed to read resource ${file}: ${resources.findings[0]!.text}`
    else for (const finding of resources.findings) findings.push({ path: file, finding })
    addResources(node, resources.node)
  }
  return { path, node, registry, findings, failure, options: readOptions }
}

/** The text of a file. Throws {@link SourceError}. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new SourceError(openError(path, error), { cause: error })
  }
}

/** Paths with their glob patterns replaced by matching files. Throws {@link SourceError} if nothing matches. */
export function expand(paths: readonly string[]): readonly string[] {
  return paths.flatMap(path => {
    if (!/[*?[]/.test(path)) return [path]
    const files = globSync(path).toSorted()
    if (files.length === 0) throw new SourceError(`${path}: no file matches the pattern`)
    return files
  })
}

/**
 * Expands patterns as {@link expand} does, and a folder followed by `...` to all YAML files below. Throws
 * {@link SourceError} for a folder that does not exist.
 */
export function expandTree(words: readonly string[]): readonly string[] {
  return words.flatMap(word => {
    if (!word.endsWith('...')) return expand([word])
    const folder = word.slice(0, -3).replace(/(.)\/$/, '$1') || '.'
    const stat = statSync(folder, { throwIfNoEntry: false })
    if (stat === undefined) throw new SourceError(`${folder}: no such file or folder`)
    if (!stat.isDirectory()) return [folder]
    return globSync('**/*.{yaml,yml}', { cwd: folder })
      .toSorted()
      .map(file => join(folder, file))
  })
}

/** Why a file cannot be opened, in the original's words. */
export function openError(path: string, error: unknown): string {
  const message = messageOf(error)
  switch (codeOf(error)) {
    case 'ENOENT':
      return `open ${path}: no such file or directory`
    case 'EACCES':
      return `open ${path}: permission denied`
    case 'EISDIR':
      return `read ${path}: is a directory`
    default:
      return `open ${path}: ${message}`
  }
}

function addResources(main: Node, resources: Node): void {
  for (const { key, value } of resources.entries) {
    if (!RESOURCE_LISTS.includes(key.value)) continue
    const existing = main.entries.find(entry => entry.key.value === key.value)
    if (existing === undefined) main.entries.push({ key, value })
    else existing.value = { ...existing.value, items: [...existing.value.items, ...value.items] }
  }
}
