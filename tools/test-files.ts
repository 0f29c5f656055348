// Runs test files with Node's test runner, and reports what failed, what was skipped and which files took longest.
import { resolve } from 'node:path'
import process from 'node:process'
import { finished } from 'node:stream/promises'
import { run } from 'node:test'

export interface TestFilesOptions {
  /** Number of files that run at a time, each in a process of its own. */
  readonly concurrency: number
  /** How long each test may take, in milliseconds. */
  readonly timeoutMs: number
  /** Whether to print what the files print. */
  readonly showsOutput: boolean
  /** Whether to print the name of each test that passes. */
  readonly showsPassed: boolean
  /** Added to the environment of this process. */
  readonly environment?: Readonly<Record<string, string>>
  /** Receives the report in pieces; by default it is printed. */
  write?(text: string): void
}

export interface TestFilesResult {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** How long each file took, in milliseconds. */
  readonly durations: ReadonlyMap<string, number>
}

export const noTests: TestFilesResult = { passed: 0, failed: 0, skipped: 0, durations: new Map() }

export async function runTestFiles(files: readonly string[], options: TestFilesOptions): Promise<TestFilesResult> {
  if (files.length === 0) return noTests
  const { concurrency, timeoutMs, environment, write = text => void process.stdout.write(text) } = options
  let [passed, failed, skipped] = [0, 0, 0]
  const durations = new Map<string, number>()
  const fileOfName = new Map(files.flatMap(file => [file, resolve(file)].map(name => [name, file])))
  // A suite, and the file itself, only repeat the results of their tests, unless they failed themselves.
  const isContainer = ({ name, details }: TestResult) => details.type === 'suite' || fileOfName.has(name)
  const env = { ...process.env, ...environment }
  const events = run({ files: [...files], concurrency, timeout: timeoutMs, env })
    .on('test:complete', ({ name, details }) => {
      const file = fileOfName.get(name)
      if (file !== undefined) durations.set(file, details.duration_ms)
    })
    .on('test:pass', result => {
      if (isContainer(result)) return
      const { name, skip } = result
      if (skip !== undefined) {
        skipped++
        write(`skip ${name}${typeof skip === 'string' ? `: ${skip}` : ''}\n`)
      } else {
        passed++
        if (options.showsPassed) write(`ok   ${name}\n`)
      }
    })
    .on('test:fail', result => {
      const { name, file, details } = result
      if (isContainer(result) && 'failureType' in details.error && details.error.failureType === 'subtestsFailed')
        return
      failed++
      write(`FAIL ${file ?? ''} > ${name}\n${indented(textOf(details.error))}\n`)
    })
  if (options.showsOutput) {
    events.on('test:stdout', ({ message }) => write(message)).on('test:stderr', ({ message }) => write(message))
  }
  await finished(events.resume())
  return { passed, failed, skipped, durations }
}

/** What Node's test runner says about a test that has ended. */
interface TestResult {
  readonly name: string
  readonly details: { readonly type?: 'suite' | 'test' }
}

/** The results of both together. */
export function sum(left: TestFilesResult, right: Partial<TestFilesResult>): TestFilesResult {
  return {
    passed: left.passed + (right.passed ?? 0),
    failed: left.failed + (right.failed ?? 0),
    skipped: left.skipped + (right.skipped ?? 0),
    durations: new Map([...left.durations, ...(right.durations ?? [])]),
  }
}

/** The files that took longest, a line each. */
export function slowest({ durations }: TestFilesResult, count: number): string {
  return [...durations]
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, count)
    .map(([file, durationMs]) => `     ${(durationMs / 1000).toFixed(1).padStart(6)} s  ${file}\n`)
    .join('')
}

/** Node's test runner wraps the error of a test as the cause of its own, which has no useful stack. */
function textOf(error: Error): string {
  const { cause } = error
  return String((cause instanceof Error ? cause.stack : cause) ?? error)
}

function indented(text: string): string {
  return text
    .split('\n')
    .slice(0, 40)
    .map(line => `     ${line}`)
    .join('\n')
}
