// Runs everything of `npm test`: the checks, the tests next to the code, the end-to-end tests on the built program.
// Ends with the line `N passed, N failed`. Words on the command line select tests by part of their path: `npm test --
// kafka`.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { runChecks } from './check.ts'
import { ensurePrograms } from './programs.ts'
import { noTests, runTestFiles, slowest, sum } from './test-files.ts'

process.chdir(join(import.meta.dirname, '..'))
const only = process.argv.slice(2)
const chosen = (pattern: string) =>
  globSync(pattern)
    .filter(file => !file.endsWith('.integration.test.ts')) // run by `npm run test:connectors`
    .filter(file => only.length === 0 || only.some(word => file.includes(word)))
    .toSorted()

let total = noTests
if (only.length === 0) total = sum(total, runChecks())
// Most of them load hundreds of modules, which takes a third of the time with a cache of the compiled code.
const environment = { NODE_COMPILE_CACHE: resolve('.tmp/compiled') }
const unit = chosen('{src,tools,console/src,test/simulation,test/conformance,test/chaos,test/fuzz}/**/*.test.ts')
await runKind('unit', unit, environment)
const endToEnd = chosen('test/e2e/**/*.e2e.ts')
if (endToEnd.length > 0) {
  ensurePrograms()
  const build = spawnSync(process.execPath, ['tools/build.ts', '--if-stale'], { stdio: 'inherit' })
  if (build.status !== 0) total = sum(total, { failed: 1 })
  await runKind('end to end', endToEnd)
}
if (total.skipped > 0) console.log(`${total.skipped} skipped (each says why above)`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exit(total.failed === 0 ? 0 : 1)

/** Runs test files of one kind, and prints what failed or was skipped, and what took longest. */
async function runKind(kind: string, files: readonly string[], environment = {}): Promise<void> {
  if (files.length === 0) return
  const startedAt = performance.now()
  const options = { concurrency: 2, timeoutMs: 600_000, showsOutput: only.length > 0, showsPassed: false, environment }
  const result = await runTestFiles(files, options)
  total = sum(total, result)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`ok   ${kind}: ${result.passed} tests passed in ${files.length} files (${seconds} s); the slowest:`)
  process.stdout.write(slowest(result, 5))
}
