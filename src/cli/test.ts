import { existsSync } from 'node:fs'
import { dirname, normalize } from 'node:path'
import process from 'node:process'
import { styleText } from 'node:util'
import { type Log, messageOf, nullLog } from '../base/index.ts'
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
import { descriptorSink } from './log-sink.ts'
import { type EngineOptions, SourceError } from './options.ts'
import { expand, expandTree, loadEnvFiles, readText } from './source.ts'
import { registryOf } from './templates.ts'
import { checkConditions, inputBatch } from './test-conditions.ts'
import { openTarget, type Target, type TargetOptions, testReadOptions } from './test-target.ts'

type TestCase = Infer<typeof testFields>

interface Failure {
  readonly name: string
  readonly line: number
  readonly reason: string
}

/** A configuration and the file that holds its tests, which may be the same. */
interface Suite {
  readonly path: string
  readonly definition: string
}

interface Outcome {
  readonly path: string
  readonly lints: readonly string[]
  readonly failures: readonly Failure[]
}

/** A file whose tests cannot be run at all. */
class SuiteError extends Error {}

/** Runs the unit tests of configurations. Resolves to the exit code: 1 where any failed, or where there are none. */
export async function testConfigs(options: EngineOptions, flags: { readonly log: string }): Promise<number> {
  if (options.set.length > 0) return fail('Cannot override fields with --set (-s) during unit tests')
  try {
    loadEnvFiles(options.envFiles)
    const targetOptions = {
      registry: await registryOf(options),
      resources: expand(options.resources),
      log: testLog(flags.log),
    }
    return await runSuites(suitesOf(options.words.length === 0 ? ['./...'] : options.words), targetOptions)
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    return fail(`Failed to obtain test targets: ${error.message}`)
  }
}

function fail(message: string): number {
  process.stderr.write(`${message}\n`)
  return 1
}

/** What components log while they are tested, where that was asked for. */
function testLog(level: string): Log {
  if (level === '') return nullLog
  const names = { level_name: 'level', timestamp_name: 'time', message_name: 'msg' }
  const format = { level, format: 'logfmt', add_timestamp: false, static_fields: { '@service': 'bento' }, ...names }
  return createLog(format, descriptorSink(1), Date.now)
}

/** Runs all suites, those behind one that cannot be run as well. */
async function runSuites(suites: readonly Suite[], options: TargetOptions): Promise<number> {
  const failed: Outcome[] = []
  let count = 0
  let isBroken = false
  for (const suite of suites) {
    try {
      const outcome = await runSuite(suite, options)
      if (outcome === undefined) continue
      count++
      const isGood = outcome.lints.length === 0 && outcome.failures.length === 0
      process.stdout.write(`Test '${outcome.path}' ${isGood ? green('succeeded') : red('failed')}\n`)
      if (!isGood) failed.push(outcome)
    } catch (error) {
      if (!(error instanceof SuiteError || error instanceof SourceError)) throw error
      isBroken = true
      process.stderr.write(`Failed to execute test target '${suite.path}': ${error.message}\n`)
    }
  }
  if (count === 0 && !isBroken) process.stdout.write(`${yellow('No tests were found')}\n`)
  if (failed.length > 0) report(failed)
  return count === 0 || isBroken || failed.length > 0 ? 1 : 0
}

/** The suites that words name: files, patterns, and folders with `...` behind them for everything below. */
function suitesOf(words: readonly string[]): readonly Suite[] {
  const suites = new Map<string, Suite>()
  for (const file of expandTree(words)) {
    const path = normalize(file.replace(/_bento_test(\.[^./]*)$/, '$1'))
    const definition = path.replace(/(\.[^./]*)$/, '_bento_test$1')
    suites.set(path, { path, definition: existsSync(definition) ? definition : path })
  }
  return [...suites.values()]
}

/** Undefined where the file holds no tests. Throws {@link SuiteError}. */
async function runSuite({ path, definition }: Suite, options: TargetOptions): Promise<Outcome | undefined> {
  const nodes = testsIn(definition)
  if (nodes.length === 0) return undefined
  const tests = nodes.map(node => parseTest(node, definition, options.registry))
  const checked = await readConfig(readText(path), testReadOptions(path, {}, options.registry))
  if (checked.broken) throw new SuiteError(checked.findings[0]!.text)
  const lints = checked.findings
    // What a test runs may be the one part of a configuration that this build can run.
    .filter(({ kind }) => kind !== 'deprecated' && kind !== 'unsupported')
    .map(({ line, column, text }) => `(${line},${column}) ${text}`)
  const failures: Failure[] = []
  for (const [index, test] of tests.entries()) {
    const { line } = nodes[index]!
    for (const reason of await runTest(path, test, options)) failures.push({ name: test.name, line, reason })
  }
  return { path, lints, failures }
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
  const variables = environment === undefined ? {} : (plainValue(environment) as Record<string, string>)
  try {
    return parseFields(parseContext(testReadOptions(path, variables, registry)), testFields, node, '')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new SuiteError(`failed to parse test definition from '${path}': ${error.message}`, { cause: error })
  }
}

/** What is wrong with what the processors of a test made. Throws {@link SuiteError} where they cannot be made. */
async function runTest(path: string, test: TestCase, options: TargetOptions): Promise<readonly string[]> {
  const folder = dirname(path)
  const inputs = [...(test.input_batch === undefined ? [] : [test.input_batch]), ...(test.input_batches ?? [])]
  const batches = inputs.map(messages => inputBatch(messages, folder))
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

function report(outcomes: readonly Outcome[]): void {
  process.stdout.write('\nFailures:\n\n')
  for (const [number, { path, lints, failures }] of outcomes.entries()) {
    process.stdout.write(`${number === 0 ? '' : '\n'}--- ${path} ---\n\n`)
    for (const lint of lints) process.stdout.write(`Lint: ${lint}\n`)
    if (lints.length > 0 && failures.length > 0) process.stdout.write('\n')
    let previous: string | undefined
    for (const { name, line, reason } of failures) {
      const heading = `${name} [line ${line}]:`
      if (heading !== previous) process.stdout.write(`${previous === undefined ? '' : '\n'}${heading}\n`)
      previous = heading
      process.stdout.write(`${reason}\n`)
    }
  }
}

/** Colours where the standard output is a terminal that wants them. */
const green = (text: string) => styleText('green', text, { stream: process.stdout })
const red = (text: string) => styleText('red', text, { stream: process.stdout })
const yellow = (text: string) => styleText('yellow', text, { stream: process.stdout })
