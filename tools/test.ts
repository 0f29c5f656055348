// Runs everything of `npm test`: the checks, the tests next to the code, the end-to-end tests on the built program.
// Ends with the line `N passed, N failed`. Words on the command line select tests by part of their path: `npm test --
// kafka`.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { runChecks } from './check.ts'
import { ensurePrograms } from './programs.ts'

process.chdir(join(import.meta.dirname, '..'))
const only = process.argv.slice(2)
const chosen = (pattern: string) =>
  globSync(pattern)
    .filter(file => !file.endsWith('.integration.test.ts')) // run by `npm run test:connectors`
    .filter(file => only.length === 0 || only.some(word => file.includes(word)))
    .toSorted()

const total = { passed: 0, failed: 0, skipped: 0 }
if (only.length === 0) {
  const { passed, failed } = runChecks()
  total.passed += passed
  total.failed += failed
}
await runFiles('unit', chosen('{src,tools,console/src,test/simulation,test/conformance}/**/*.test.ts'), 2)
const endToEnd = chosen('test/e2e/**/*.e2e.ts')
if (endToEnd.length > 0) {
  ensurePrograms()
  const build = spawnSync(process.execPath, ['tools/build.ts', '--if-stale'], { stdio: 'inherit' })
  if (build.status !== 0) total.failed++
  await runFiles('end to end', endToEnd, 1)
}
if (total.skipped > 0) console.log(`${total.skipped} skipped (each says why above)`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)

/** Runs test files in separate processes, `concurrency` at a time, and prints what failed or was skipped. */
async function runFiles(kind: string, files: readonly string[], concurrency: number): Promise<void> {
  if (files.length === 0) return
  const startedAt = performance.now()
  const before = total.passed
  const events = run({ files: [...files], concurrency, timeout: 420_000 })
  for await (const event of events) {
    if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      if (only.length > 0) process.stdout.write(event.data.message)
      continue
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { name, file, skip, details } = event.data
    // A suite, and the file itself, only repeat the results of their tests, unless they failed themselves.
    const isContainer = details.type === 'suite' || name === file || files.includes(name)
    if (event.type === 'test:pass') {
      if (isContainer) continue
      if (skip !== undefined) {
        total.skipped++
        console.log(`skip ${name}${typeof skip === 'string' ? `: ${skip}` : ''}`)
      } else total.passed++
      continue
    }
    const error = 'error' in details ? details.error : undefined
    // Node's test runner reports errors of this shape.
    const failureType = (error as { failureType?: string } | undefined)?.failureType
    if (isContainer && failureType === 'subtestsFailed') continue
    total.failed++
    console.log(`FAIL ${file ?? ''} > ${name}`)
    // Node's test runner reports errors of this shape.
    console.log(indent(String((error?.cause as Error | undefined)?.stack ?? error?.cause ?? error ?? 'failed')))
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`ok   ${kind}: ${total.passed - before} tests passed in ${files.length} files (${seconds} s)`)
}

function indent(text: string): string {
  return text
    .split('\n')
    .slice(0, 40)
    .map(line => `     ${line}`)
    .join('\n')
}
