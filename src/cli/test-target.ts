import { dirname, join, resolve } from 'node:path'
import { type Log, systemClock } from '../base/index.ts'
import { compileMapping } from '../bloblang/index.ts'
import { fileImporter, systemHost } from '../host/index.ts'
import {
  type Batch,
  type ComponentConfig,
  type ComponentHost,
  ConfigError,
  configFields,
  Manager,
  MappingCaches,
  namesIn,
  type Node,
  nodeOf,
  nullMetrics,
  parseComponent,
  parseContext,
  readConfig,
  type ReadOptions,
  readResources,
  type Registry,
  resolved,
  setAt,
  shapesOf,
  Shutdown,
  valueOf,
} from '../engine/index.ts'
import { readText } from './source.ts'

/** A unit test's definition of the processors that it runs. */
export interface TargetCase {
  /** Environment variables set for this test. */
  readonly environment: Readonly<Record<string, string>>
  /** `file#/json/pointer`, `/json/pointer` or a label. */
  readonly processors: string
  /** A file with a mapping to run instead of processors; empty for none. */
  readonly mapping: string
  /** Replacements of components and fields, by JSON pointer or label. */
  readonly mocks: readonly { readonly place: string; readonly value: Node }[]
}

export interface TargetOptions {
  readonly registry: Registry
  /** Resource files in addition to those of the configuration. */
  readonly resources: readonly string[]
  readonly log: Log
}

/** The processors that a unit test runs. */
export interface Target {
  run(batch: Batch): Promise<readonly Batch[]> | readonly Batch[]
  close(): Promise<void>
}

type TestReadOptions = ReadOptions & { readonly host: ComponentHost }

/** How files are read for a test: missing environment variables are not findings. */
export function testReadOptions(
  path: string,
  environment: Readonly<Record<string, string>>,
  registry: Registry,
): TestReadOptions {
  const host: ComponentHost = { ...systemHost, env: name => environment[name] ?? systemHost.env(name) }
  return { registry, host, importer: fileImporter(dirname(resolve(path))), skipEnvCheck: true }
}

/** Creates the processors for a test of the configuration at `path`. Throws {@link ConfigError}. */
export async function openTarget(path: string, test: TargetCase, options: TargetOptions): Promise<Target> {
  try {
    if (test.mapping !== '') return await openMapping(join(dirname(path), test.mapping), test, options)
    return await openProcessors(path, test, options)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const what = test.mapping === '' ? `processors '${test.processors}'` : `Bloblang mapping '${test.mapping}'`
    throw new ConfigError(`failed to initialise ${what}: ${error.message}`, { cause: error })
  }
}

async function openProcessors(path: string, test: TargetCase, options: TargetOptions): Promise<Target> {
  const [file, place] = splitReference(path, test.processors)
  const readOptions = testReadOptions(file, test.environment, options.registry)
  const root = await mocked(await readWhole(readText(file), readOptions), test.mocks, options.registry)
  const others = await Promise.all(options.resources.map(each => readWhole(readText(each), readOptions, readResources)))
  const found = nodeAt(root, pathOf(root, place), place)
  const isList = found.kind === 'seq'
  const base = pathOf(root, place).join('.')
  return await openChain(
    [root, ...others],
    isList ? found.items.map((node, index) => ({ node, path: `${base}.${index}` })) : [{ node: found, path: base }],
    readOptions,
    options.log,
  )
}

async function openMapping(path: string, test: TargetCase, options: TargetOptions): Promise<Target> {
  const readOptions = testReadOptions(path, test.environment, options.registry)
  const text = readText(path)
  // Uses the text of the mapping's own error, without the part about a processor.
  const { diagnostics } = compileMapping(text, { host: readOptions.host, importer: readOptions.importer! })
  if (diagnostics !== undefined) throw new ConfigError(diagnostics[0]!.text)
  await options.registry.load(['mapping'])
  return await openChain([], [{ node: nodeOf({ mapping: text }), path: 'mapping' }], readOptions, options.log)
}

/** Creates processors and the resources that they may refer to. */
async function openChain(
  roots: readonly Node[],
  processors: readonly { readonly node: Node; readonly path: string }[],
  readOptions: TestReadOptions,
  log: Log,
): Promise<Target> {
  // Mappings are compiled before the caches exist that they may use at run time.
  const caches = new MappingCaches()
  const host: ComponentHost = { ...readOptions.host, cache: label => caches.access(label) }
  const context = parseContext({ ...readOptions, host })
  const parse = (kind: ComponentConfig['kind'], node: Node, path: string) => parseComponent(context, kind, node, path)
  const resources = roots.flatMap(root =>
    (['processor', 'cache', 'rate_limit'] as const).flatMap(kind => {
      const list = valueOf(root, `${kind}_resources`)
      return list === undefined ? [] : resolved(list).items.map(item => parse(kind, item, `${kind}_resources`))
    }),
  )
  const manager = new Manager(
    {
      log,
      metrics: nullMetrics,
      clock: systemClock,
      host,
      http: undefined,
      shutdown: new Shutdown(systemClock),
      strategy: 'none',
      logAllErrors: false,
      failureLog: null,
      shared: new Map(),
      parsing: context,
      tracer: null,
    },
    resources,
  )
  caches.manager = manager
  try {
    await manager.open()
    const chain = await manager.chain(processors.map(({ node, path }) => parse('processor', node, path)))
    return {
      run: batch => chain.process(batch),
      async close() {
        await chain.close()
        await manager.close()
      },
    }
  } catch (error) {
    await manager.close()
    throw error
  }
}

async function readWhole(text: string, options: ReadOptions, read: typeof readResources = readConfig): Promise<Node> {
  const { node, broken, findings } = await read(text, options)
  if (broken) throw new ConfigError(findings[0]!.text)
  return node
}

/**
 * The configuration with its mocks applied; those by pointer come first, because they may move what labels refer to.
 */
async function mocked(root: Node, mocks: TargetCase['mocks'], registry: Registry): Promise<Node> {
  let result = root
  for (const { place, value } of mocks.toSorted((a, b) => Number(isPointer(b.place)) - Number(isPointer(a.place)))) {
    const path = pathOf(result, place)
    await registry.load([...namesIn(value), ...path])
    try {
      result = setAt(registry, shapesOf(configFields), result, path, withLabel(value, nodeAtOrNone(result, path)))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new ConfigError(`failed to set mock '${place}': ${error.message}`, { cause: error })
    }
  }
  return result
}

/** A mock takes the label of what it replaces. */
function withLabel(mock: Node, original: Node | undefined): Node {
  const label = original?.entries.find(entry => entry.key.value === 'label')
  const node = resolved(mock)
  if (label === undefined || node.kind !== 'map') return mock
  return { ...node, entries: [label, ...node.entries.filter(entry => entry.key.value !== 'label')] }
}

function splitReference(path: string, reference: string): readonly [file: string, place: string] {
  const separator = reference.indexOf('#')
  if (separator === -1) return [path, reference]
  return [join(dirname(path), reference.slice(0, separator)), reference.slice(separator + 1)]
}

function isPointer(place: string): boolean {
  return place.startsWith('/')
}

/** The segments of a JSON pointer or of the path to a label. Throws {@link ConfigError} for an unknown label. */
function pathOf(root: Node, place: string): readonly string[] {
  if (isPointer(place)) {
    return place
      .slice(1)
      .split('/')
      .map(segment => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  const path = pathOfLabel(root, place)
  if (path === undefined) throw new ConfigError(`target '${place}' not found`)
  return path
}

function pathOfLabel(node: Node, label: string): readonly string[] | undefined {
  const own = resolved(node)
  if (own.kind === 'map' && valueOf(own, 'label')?.value === label) return []
  const children = [
    ...own.entries.map(({ key, value }) => [key.value, value] as const),
    ...own.items.map((item, index) => [String(index), item] as const),
  ]
  for (const [segment, child] of children) {
    const path = pathOfLabel(child, label)
    if (path !== undefined) return [segment, ...path]
  }
  return undefined
}

function nodeAt(root: Node, path: readonly string[], place: string): Node {
  const node = nodeAtOrNone(root, path)
  if (node === undefined) throw new ConfigError(`failed to resolve target path '${place}'`)
  return node
}

function nodeAtOrNone(root: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = resolved(root)
  for (const segment of path) {
    const next: Node | undefined = node.kind === 'seq' ? node.items[Number(segment)] : valueOf(node, segment)
    if (next === undefined) return undefined
    node = resolved(next)
  }
  return node
}
