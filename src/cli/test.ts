import { existsSync, writeFileSync } from 'node:fs'
import { dirname, normalize } from 'node:path'
import process from 'node:process'
import { styleText } from 'node:util'
import { fieldsOf, type Log, messageOf, nullLog } from '../base/index.ts'
import {
  type Batch,
  ConfigError,
  createLog,
  type Infer,
  type Node,
  nodeOf,
  parseContext,
  parseFields,
  parseYaml,
  plainValue,
  readConfig,
  type Registry,
  resolved,
  testFields,
  valueOf,
  YamlError,
} from '../engine/index.ts'
import { FileWatch } from './file-watch.ts'
import { type CaseResult, junitXml, type SuiteResult } from './junit.ts'
import { descriptorSink } from './log-sink.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { expand, expandTree, loadEnvFiles, openError, readText } from './source.ts'
import { registryOf } from './templates.ts'
import { checkConditions, inputBatch } from './test-conditions.ts'
import { openTarget, type Target, type TargetOptions, testReadOptions } from './test-target.ts'

type TestCase = Infer<typeof testFields>

/** A configuration and the file that contains its tests, which may be the same. */
interface Suite {
  readonly path: string
  readonly definition: string
}

interface TestFlags {
  readonly log: string
  readonly junit: string
  readonly watch: boolean
}

/** A file whose tests cannot be run at all. */
class SuiteError extends Error {}

/** Runs the unit tests of configurations. Resolves to the exit code: 1 if any failed, or if there are none. */
export async function testConfigs(options: EngineOptions, flags: TestFlags): Promise<number> {
  if (options.set.length > 0) return fail('Cannot override fields with --set (-s) during unit tests')
  try {
    loadEnvFiles(options.envFiles)
    const targetOptions = {
      registry: await registryOf(options),
      resources: expand(options.resources),
      log: testLog(flags.log),
    }
    const suites = () => suitesOf(options.words.length === 0 ? ['./...'] : options.words)
    const run = () => runSuites(suites(), targetOptions, flags.junit)
    return flags.watch ? await runAgain(run, suites, targetOptions.resources) : await run()
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    return fail(`Failed to obtain test targets: ${error.message}`)
  }
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}

/** The log of components under test, if one was requested. */
function testLog(level: string): Log {
  if (level === '') return nullLog
  const names = { level_name: 'level', timestamp_name: 'time', message_name: 'msg' }
  const format = { level, format: 'logfmt', add_timestamp: false, static_fields: { '@service': 'bento' }, ...names }
  return createLog(format, descriptorSink(1), Date.now)
}

/** Runs all suites, including those after one that cannot be run. */
async function runSuites(suites: readonly Suite[], options: TargetOptions, junitPath: string): Promise<number> {
  const results: SuiteResult[] = []
  for (const [index, suite] of suites.entries()) {
    showProgress(index, suites.length)
    try {
      const result = await runSuite(suite, options)
      hideProgress()
      if (result === undefined) continue
      results.push(result)
      process.stdout.write(`Test '${result.path}' ${isGood(result) ? green('succeeded') : red('failed')}\n`)
    } catch (error) {
      hideProgress()
      if (!(error instanceof SuiteError || error instanceof SourceError)) throw error
      results.push({ path: suite.path, lints: [], cases: [], error: error.message })
      process.stderr.write(`Failed to execute test target '${suite.path}': ${error.message}\n`)
    }
  }
  if (results.length === 0) process.stdout.write(`${yellow('No tests were found')}\n`)
  const failed = results.filter(result => result.error === undefined && !isGood(result))
  if (failed.length > 0) report(failed)
  if (junitPath !== '') writeResults(junitPath, results)
  return results.length > 0 && results.every(isGood) ? 0 : 1
}

function isGood({ lints, cases, error }: SuiteResult): boolean {
  return error === undefined && lints.length === 0 && cases.every(({ failures }) => failures.length === 0)
}

function writeResults(path: string, results: readonly SuiteResult[]): void {
  try {
    writeFileSync(path, junitXml(results))
  } catch (error) {
    throw new SourceError(`failed to write ${path}: ${messageOf(error)}`, { cause: error })
  }
}

/** Reruns the tests whenever one of their files changes, until a signal ends it. Resolves to the last exit code. */
async function runAgain(
  run: () => Promise<number>,
  suites: () => readonly Suite[],
  resources: readonly string[],
): Promise<number> {
  let status = await run()
  let running: Promise<void> = Promise.resolve()
  const paths = suites().flatMap(({ path, definition }) => [path, definition])
  const watch = new FileWatch([...new Set([...paths, ...resources])], changed => {
    running = running.then(async () => {
      process.stdout.write(`\n${changed.join(', ')} changed\n`)
      status = await run()
      process.stdout.write('Waiting for changes, use CTRL+C to end\n')
    })
  })
  process.stdout.write('Waiting for changes, use CTRL+C to end\n')
  // Nothing else keeps the process alive between runs.
  const alive = setInterval(() => {}, 60_000)
  await new Promise<void>(resolve => process.once('SIGINT', resolve).once('SIGTERM', resolve))
  clearInterval(alive)
  watch.close()
  await running
  return status
}

/** Shows progress on a terminal. */
function showProgress(done: number, total: number): void {
  if (process.stdout.isTTY && total > 1) process.stdout.write(`\r${done + 1}/${total} `)
}

function hideProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K')
}

/** The suites that the words name: files, patterns, and folders followed by `...` for everything below. */
function suitesOf(words: readonly string[]): readonly Suite[] {
  const suites = new Map<string, Suite>()
  for (const file of expandTree(words)) {
    const path = normalize(file.replace(/_bento_test(\.[^./]*)$/, '$1'))
    const definition = path.replace(/(\.[^./]*)$/, '_bento_test$1')
    suites.set(path, { path, definition: existsSync(definition) ? definition : path })
  }
  return [...suites.values()]
}

/** Undefined if the file contains no tests. Throws {@link SuiteError}. */
async function runSuite({ path, definition }: Suite, options: TargetOptions): Promise<SuiteResult | undefined> {
  const nodes = testsIn(definition)
  if (nodes.length === 0) return undefined
  const tests = nodes.map(node => parseTest(node, definition, options.registry))
  const checked = await readConfig(readText(path), testReadOptions(path, {}, options.registry))
  if (checked.broken) throw new SuiteError(checked.findings[0]!.text)
  const lints = checked.findings
    // A test may run the only part of a configuration that this build can run.
    .filter(({ kind }) => kind !== 'deprecated' && kind !== 'ineffective' && kind !== 'unsupported')
    .map(({ line, column, text }) => `(${line},${column}) ${text}`)
  const cases: CaseResult[] = []
  for (const [index, test] of tests.entries()) {
    const startedAt = performance.now()
    const failures = await runTest(path, test, options)
    cases.push({ name: test.name, line: nodes[index]!.line, failures, durationMs: performance.now() - startedAt })
  }
  return { path, lints, cases }
}

function testsIn(definition: string): readonly Node[] {
  try {
    const root = parseYaml(readText(definition))
    const tests = root.kind === 'map' ? valueOf(root, 'tests') : undefined
    return tests === undefined ? [] : resolved(tests).items
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    throw new SuiteError(`failed to parse test definition from '${definition}': ${error.message}`, { cause: error })
  }
}

/** Throws {@link SuiteError}. */
function parseTest(node: Node, path: string, registry: Registry): TestCase {
  const environment = valueOf(node, 'environment')
  // The environment of a test maps names to texts.
  const variables = environment === undefined ? {} : (plainValue(environment) as Record<string, string>)
  try {
    return parseFields(parseContext(testReadOptions(path, variables, registry)), testFields, node, '')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new SuiteError(`failed to parse test definition from '${path}': ${error.message}`, { cause: error })
  }
}

/** The failures of a test. Throws {@link SuiteError} if its processors cannot be created. */
async function runTest(path: string, test: TestCase, options: TargetOptions): Promise<readonly string[]> {
  const folder = dirname(path)
  const inputs = [...(test.input_batches ?? []), ...(test.input_batch === undefined ? [] : [test.input_batch])]
  const batches = inputs.map((messages, index) => readBatch(messages, folder, index))
  const target = await open(path, test, options)
  try {
    const results: Batch[] = []
    for (const batch of batches) results.push(...(await target.run(batch)))
    return judge(test, results, folder)
  } catch (error) {
    return [`processors resulted in error: ${messageOf(error)}`]
  } finally {
    await target.close()
  }
}

/** Throws {@link SuiteError} if a file that it names cannot be read. */
function readBatch(messages: Parameters<typeof inputBatch>[0], folder: string, index: number): Batch {
  try {
    return inputBatch(messages, folder)
  } catch (error) {
    throw new SuiteError(
      `failed to create test input ${index}: ${openError(String(fieldsOf(error)['path'] ?? ''), error)}`,
      { cause: error },
    )
  }
}

async function open(path: string, test: TestCase, options: TargetOptions): Promise<Target> {
  const mocks = Object.entries(test.mocks ?? {}).map(([place, value]) => ({ place, value: nodeOf(value) }))
  const { environment = {}, target_processors: processors, target_mapping: mapping } = test
  try {
    return await openTarget(path, { environment, processors, mapping, mocks }, options)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new SuiteError(error.message, { cause: error })
  }
}

function judge(
  { output_batches: wanted = [] }: TestCase,
  results: readonly Batch[],
  folder: string,
): readonly string[] {
  const reasons: string[] = []
  if (results.length < wanted.length) {
    reasons.push(`wrong batch count, expected ${wanted.length}, got ${results.length}`)
  }
  for (const [number, messages] of results.entries()) {
    const expected = wanted[number]
    if (expected === undefined) {
      reasons.push(`unexpected batch: [${messages.map(message => message.text()).join(' ')}]`)
      continue
    }
    if (expected.length !== messages.length) {
      const counts = `expected ${expected.length}, got ${messages.length}`
      reasons.push(`mismatch of output batch ${number} message counts, ${counts}`)
    }
    for (const [index, message] of messages.entries()) {
      const conditions = expected[index]
      if (conditions === undefined) {
        reasons.push(`unexpected message from batch ${number}: ${message.text()}`)
        continue
      }
      const broken = checkConditions(conditions, message, folder)
      const error = broken.length > 0 && message.error !== null ? [message.error.message] : []
      for (const reason of [...broken, ...error]) reasons.push(`batch ${number} message ${index}: ${reason}`)
    }
  }
  return reasons
}

function report(results: readonly SuiteResult[]): void {
  process.stdout.write('\nFailures:\n\n')
  for (const [number, { path, lints, cases }] of results.entries()) {
    const failed = cases.filter(({ failures }) => failures.length > 0)
    process.stdout.write(`${number === 0 ? '' : '\n'}--- ${path} ---\n\n`)
    for (const lint of lints) process.stdout.write(`Lint: ${lint}\n`)
    if (lints.length > 0 && failed.length > 0) process.stdout.write('\n')
    for (const [index, { name, line, failures }] of failed.entries()) {
      process.stdout.write(`${index === 0 ? '' : '\n'}${name} [line ${line}]:\n`)
      for (const reason of failures) process.stdout.write(`${coloured(reason)}\n`)
    }
  }
}

/** Colours the expected text green and the actual text red, if there are colours. */
function coloured(reason: string): string {
  return reason.replace(/^ *expected:.*$/gm, line => green(line)).replace(/^ *received:.*$/gm, line => red(line))
}

/** Colours, if standard output is a terminal that supports them. */
const green = (text: string) => styleText('green', text, { stream: process.stdout })
const red = (text: string) => styleText('red', text, { stream: process.stdout })
const yellow = (text: string) => styleText('yellow', text, { stream: process.stdout })
