import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { nullLog, systemClock } from '../base/index.ts'
import { compileMapping, type Value } from '../bloblang/index.ts'
import { fileImporter, systemHost } from '../components/index.ts'
import {
  type Batch,
  batchOf,
  type ComponentConfig,
  ConfigError,
  Manager,
  Message,
  nodeOf,
  type Node,
  nullMetrics,
  parseComponent,
  parseContext,
  parseYaml,
  plainValue,
  readConfig,
  type Registry,
  resolved,
  Shutdown,
  valueOf,
} from '../engine/index.ts'
import type { EngineOptions } from './options.ts'
import { expand, loadEnvFiles, readText, SourceError } from './source.ts'
import { registryOf } from './templates.ts'
import { checkConditions, type Conditions } from './test-conditions.ts'

interface Failure {
  readonly name: string
  readonly line: number
  readonly reason: string
}

interface Outcome {
  readonly path: string
  readonly lints: readonly string[]
  readonly failures: readonly Failure[]
}

/** A test that could not be run at all. */
class SetupError extends Error {}

/** Runs the unit tests of configurations. Resolves to the exit code: 1 where any failed. */
export async function testConfigs(options: EngineOptions): Promise<number> {
  loadEnvFiles(options.envFiles)
  const targets = (options.words.length === 0 ? ['./...'] : options.words).flatMap(word => [...testFiles(word)])
  const outcomes: Outcome[] = []
  for (const path of [...new Set(targets)]) {
    try {
      const outcome = await testFile(path, options)
      if (outcome !== undefined) outcomes.push(outcome)
    } catch (error) {
      if (!(error instanceof SetupError || error instanceof SourceError)) throw error
      process.stderr.write(`Failed to execute test target '${path}': ${error.message}\n`)
      return 1
    }
  }
  return report(outcomes)
}

/** The configurations that a word names: a file, or a folder with `...` behind it for everything below. */
function testFiles(word: string): readonly string[] {
  if (!word.endsWith('...')) return expand([word])
  const folder = word.slice(0, -3).replace(/\/$/, '') || '.'
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return []
  return globSync('**/*.{yaml,yml}', { cwd: folder })
    .toSorted()
    .map(file => join(folder, file))
    .filter(file => !/_bento_test\.ya?ml$/.test(file))
}

async function testFile(path: string, options: EngineOptions): Promise<Outcome | undefined> {
  const config = parseYaml(readText(path))
  const definition = path.replace(/(\.ya?ml)$/, '_bento_test$1')
  const tests = [...testsOf(config), ...(existsSync(definition) ? testsOf(parseYaml(readText(definition))) : [])]
  if (tests.length === 0) return undefined
  const checked = await readConfig(readText(path), readOptions(path, {}, await registryOf(options)))
  const lints = checked.findings
    .filter(({ kind }) => kind !== 'missing_env' && kind !== 'deprecated' && kind !== 'bad_bloblang')
    .map(({ line, column, text }) => `(${line},${column}) ${text}`)
  if (lints.length > 0) return { path, lints, failures: [] }
  for (const test of tests) checkMappings(plainValue(test) as TestCase)
  const failures: Failure[] = []
  for (const test of tests) failures.push(...(await runTest(path, test, options)))
  return { path, lints, failures }
}

/** A condition whose mapping is broken keeps all tests from running. Throws {@link SetupError}. */
function checkMappings(test: TestCase): void {
  for (const conditions of (test.output_batches ?? []).flat()) {
    const source = conditions['bloblang']
    if (typeof source !== 'string') continue
    const { diagnostics } = compileMapping(source, { host: systemHost })
    if (diagnostics !== undefined)
      throw new SetupError(`failed to parse test '${test.name}': bloblang: ${diagnostics[0]!.text}`)
  }
}

function testsOf(config: Node): readonly Node[] {
  const tests = config.kind === 'map' ? valueOf(config, 'tests') : undefined
  return tests === undefined ? [] : resolved(tests).items
}

function readOptions(path: string, environment: Readonly<Record<string, string>>, registry: Registry) {
  const host = { ...systemHost, env: (name: string) => environment[name] ?? systemHost.env(name) }
  return { registry, host, importer: fileImporter(dirname(resolve(path))), skipEnvCheck: true }
}

interface TestCase {
  readonly name: string
  readonly environment?: Readonly<Record<string, string>>
  readonly target_processors?: string
  readonly target_mapping?: string
  readonly mocks?: Readonly<Record<string, unknown>>
  readonly input_batch?: readonly TestMessage[]
  readonly input_batches?: readonly (readonly TestMessage[])[]
  readonly output_batches?: readonly (readonly Conditions[])[]
}

interface TestMessage {
  readonly content?: string
  readonly json_content?: unknown
  readonly file_content?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

async function runTest(path: string, node: Node, options: EngineOptions): Promise<readonly Failure[]> {
  const test = plainValue(node) as TestCase
  const folder = dirname(path)
  const inputs = [...(test.input_batch === undefined ? [] : [test.input_batch]), ...(test.input_batches ?? [])]
  const batches = inputs.map(batch => batchOf(batch.map(message => messageOf(message, folder))))
  const failures: Failure[] = []
  const fail = (reason: string) => failures.push({ name: test.name, line: node.line, reason })
  const target = await openTarget(path, test, options)
  let results: readonly Batch[] = []
  try {
    for (const batch of batches) results = [...results, ...(await target.run(batch))]
  } catch (error) {
    fail(`processors resulted in error: ${(error as Error).message}`)
  } finally {
    await target.close()
  }
  judge(test.output_batches ?? [], results, folder, fail)
  return failures
}

function judge(
  wanted: readonly (readonly Conditions[])[],
  results: readonly Batch[],
  folder: string,
  fail: (reason: string) => void,
): void {
  if (results.length < wanted.length) fail(`wrong batch count, expected ${wanted.length}, got ${results.length}`)
  for (const [number, { messages }] of results.entries()) {
    const expected = wanted[number]
    if (expected === undefined) {
      fail(`unexpected batch: [${messages.map(message => message.text()).join(' ')}]`)
      continue
    }
    if (expected.length !== messages.length) {
      fail(`mismatch of output batch ${number} message counts, expected ${expected.length}, got ${messages.length}`)
    }
    for (const [index, message] of messages.entries()) {
      const conditions = expected[index]
      if (conditions === undefined) {
        fail(`unexpected message from batch ${number}: ${message.text()}`)
        continue
      }
      const broken = checkConditions(conditions, message, folder)
      for (const reason of broken) fail(`batch ${number} message ${index}: ${reason}`)
      if (broken.length > 0 && message.error !== null)
        fail(`batch ${number} message ${index}: ${message.error.message}`)
    }
  }
}

function messageOf(test: TestMessage, folder: string): Message {
  const metadata = new Map<string, Value>()
  for (const [key, value] of Object.entries(test.metadata ?? {})) metadata.set(key, value as Value)
  if (test.json_content !== undefined) return Message.fromText(JSON.stringify(test.json_content), metadata)
  if (test.file_content !== undefined) return Message.fromBytes(readFileSync(join(folder, test.file_content)), metadata)
  return Message.fromText(String(test.content ?? ''), metadata)
}

interface Target {
  run(batch: Batch): Promise<readonly Batch[]> | readonly Batch[]
  close(): Promise<void>
}

/** The processors that a test is about, with its mocks in their places. Throws {@link SetupError}. */
async function openTarget(path: string, test: TestCase, options: EngineOptions): Promise<Target> {
  const [file, pointer] = splitTarget(path, test.target_processors ?? '/pipeline/processors')
  const readWith = readOptions(file, test.environment ?? {}, await registryOf(options))
  const what = test.target_mapping
    ? `Bloblang mapping '${test.target_mapping}'`
    : `processors '${test.target_processors ?? '/pipeline/processors'}'`
  try {
    if (test.target_mapping) return await openMapping(join(dirname(path), test.target_mapping))
    const { node: root, broken, findings } = await readConfig(readText(file), readWith)
    if (broken) throw new ConfigError(findings[0]!.text)
    for (const [place, mock] of Object.entries(test.mocks ?? {})) await replace(root, place, mock, readWith.registry)
    const context = parseContext(readWith)
    const resources: ComponentConfig[] = []
    for (const each of [root, ...expand(options.resources).map(resource => parseYaml(readText(resource)))]) {
      await readWith.registry.load(namesOf(each))
      for (const kind of ['processor', 'cache', 'rate_limit'] as const) {
        const list = valueOf(each, `${kind}_resources`)
        for (const item of list === undefined ? [] : resolved(list).items)
          resources.push(parseComponent(context, kind, item, `${kind}_resources`))
      }
    }
    const manager = new Manager(
      {
        log: nullLog,
        metrics: nullMetrics,
        clock: systemClock,
        host: readWith.host,
        http: undefined,
        shutdown: new Shutdown(systemClock),
        strategy: 'none',
        logAllErrors: false,
        failureLog: null,
        shared: new Map(),
      },
      resources,
    )
    await manager.open()
    const found = locate(root, pointer)
    const nodes = found.kind === 'seq' ? found.items : [found]
    const base = pointer.replace(/^\//, '').replaceAll('/', '.')
    const configs = nodes.map((node, index) =>
      parseComponent(context, 'processor', node, found.kind === 'seq' ? `${base}.${index}` : base),
    )
    const chain = await manager.chain(configs)
    return {
      run: batch => chain.run(batch),
      async close() {
        await chain.close()
        await manager.close()
      },
    }
  } catch (error) {
    if (error instanceof ConfigError)
      throw new SetupError(`failed to initialise ${what}: ${error.message}`, { cause: error })
    throw error
  }
}

async function openMapping(path: string): Promise<Target> {
  const { mapping, diagnostics } = compileMapping(readText(path), {
    host: systemHost,
    importer: fileImporter(dirname(resolve(path))),
  })
  if (mapping === undefined) throw new ConfigError(diagnostics[0]!.text)
  const spec = (await import('../components/index.ts')).createRegistry()
  await spec.load(['mapping'])
  const config: ComponentConfig = {
    fresh: () => config,
    kind: 'processor',
    name: 'mapping',
    label: '',
    path: 'mapping',
    spec: spec.get('processor', 'mapping')!,
    config: mapping,
    processors: [],
  }
  const manager = new Manager(
    {
      log: nullLog,
      metrics: nullMetrics,
      clock: systemClock,
      host: systemHost,
      http: undefined,
      shutdown: new Shutdown(systemClock),
      strategy: 'none',
      logAllErrors: false,
      failureLog: null,
      shared: new Map(),
    },
    [],
  )
  const chain = await manager.chain([config])
  return { run: batch => chain.run(batch), close: () => manager.close() }
}

/** `file#/pointer`, `/pointer` or a label. */
function splitTarget(path: string, target: string): readonly [file: string, pointer: string] {
  const separator = target.indexOf('#')
  return separator === -1
    ? [path, target]
    : [join(dirname(path), target.slice(0, separator)), target.slice(separator + 1)]
}

/** The node that a JSON pointer or a label stands for. Throws `ConfigError`. */
function locate(root: Node, place: string): Node {
  if (!place.startsWith('/')) {
    const found = findLabel(root, place)
    if (found === undefined) throw new ConfigError(`target '${place}' not found`)
    return found
  }
  let node = resolved(root)
  for (const segment of place.slice(1).split('/')) {
    const next =
      node.kind === 'seq'
        ? node.items[Number(segment)]
        : valueOf(node, segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    if (next === undefined) throw new ConfigError(`failed to resolve target path '${place}'`)
    node = resolved(next)
  }
  return node
}

function findLabel(node: Node, label: string): Node | undefined {
  const own = resolved(node)
  if (own.kind === 'map' && valueOf(own, 'label')?.value === label) return own
  for (const child of [...own.entries.map(entry => entry.value), ...own.items]) {
    const found = findLabel(child, label)
    if (found !== undefined) return found
  }
  return undefined
}

/** Puts a mock where a label or pointer says; it keeps the label. */
async function replace(
  root: Node,
  place: string,
  mock: unknown,
  registry: { load(names: Iterable<string>): Promise<void> },
): Promise<void> {
  const target = locate(root, place)
  const label = target.entries.find(entry => entry.key.value === 'label')
  const node = nodeOf(mock)
  await registry.load(namesOf(node))
  const entries = [
    ...(label === undefined ? [] : [label]),
    ...node.entries.filter(entry => entry.key.value !== 'label'),
  ]
  target.entries.splice(0, target.entries.length, ...entries)
}

function namesOf(node: Node, names: string[] = []): readonly string[] {
  for (const { key, value } of node.entries) {
    names.push(key.value)
    namesOf(value, names)
  }
  for (const item of node.items) namesOf(item, names)
  return names
}

function report(outcomes: readonly Outcome[]): number {
  if (outcomes.length === 0) {
    process.stdout.write('No tests were found\n')
    return 1
  }
  const failed = outcomes.filter(({ lints, failures }) => lints.length > 0 || failures.length > 0)
  for (const outcome of outcomes) {
    process.stdout.write(`Test '${outcome.path}' ${failed.includes(outcome) ? 'failed' : 'succeeded'}\n`)
  }
  if (failed.length === 0) return 0
  process.stdout.write('\nFailures:\n\n')
  for (const { path, lints, failures } of failed) {
    process.stdout.write(`--- ${path} ---\n\n`)
    for (const lint of lints) process.stdout.write(`Lint: ${lint}\n`)
    if (lints.length > 0) process.stdout.write('\n')
    let previous: string | undefined
    for (const { name, line, reason } of failures) {
      const heading = `${name} [line ${line}]:`
      if (heading !== previous) process.stdout.write(`${previous === undefined ? '' : '\n'}${heading}\n`)
      previous = heading
      process.stdout.write(`${reason}\n`)
    }
    process.stdout.write('\n')
  }
  return 1
}
