// The repository's checks: formatting, types, lint, layers, tidiness, dead code, up-to-date generated files.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { checkAssertions } from './assertions.ts'
import { checkClaims } from './claims.ts'
import { checkContract } from './contract.ts'
import { checkDependencies } from './dependencies.ts'
import { checkDoubles } from './doubles.ts'
import { checkLayers } from './layers.ts'
import { checkLockFile } from './lock-file.ts'
import { checkAllOutside } from './outside.ts'
import { checkPromises } from './promises.ts'
import { checkRim } from './rim.ts'
import { checkTidy } from './tidy.ts'

process.chdir(join(import.meta.dirname, '..'))
const bin = (name: string) => join('node_modules', '.bin', name)

/** A check passes if it has no findings; findings are printed one per line. */
interface Check {
  readonly name: string
  run(): readonly string[]
}

export const checks: readonly Check[] = [
  { name: 'format', run: () => command(bin('biome'), ['format', '--reporter=summary', '.']) },
  { name: 'types', run: () => command(bin('tsc'), ['-p', '.']) },
  ...(existsSync('console/tsconfig.json')
    ? [{ name: 'types of the console', run: () => command(bin('tsc'), ['-p', 'console']) }]
    : []),
  {
    name: 'lint',
    run: () => command(bin('oxlint'), ['--type-aware', '--quiet', 'src', 'tools', 'test', 'bench', 'console']),
  },
  { name: 'layers', run: checkLayers },
  { name: 'connector contract', run: checkContract },
  { name: 'outside', run: checkAllOutside },
  { name: 'lock file', run: () => checkLockFile() },
  { name: 'dependencies', run: checkDependencies },
  { name: 'rim', run: checkRim },
  { name: 'claims', run: checkClaims },
  { name: 'promises', run: checkPromises },
  { name: 'assertions', run: checkAssertions },
  { name: 'doubles', run: checkDoubles },
  { name: 'tidy', run: checkTidy },
  { name: 'dead code', run: () => command(bin('knip'), ['--no-progress']) },
  { name: 'generated files are fresh', run: () => command(process.execPath, ['tools/generate.ts', '--check']) },
]

/** Runs every check and returns how many passed and failed. */
export function runChecks(): { passed: number; failed: number } {
  let failed = 0
  for (const check of checks) {
    const startedAt = performance.now()
    const findings = check.run()
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'} check: ${check.name} (${seconds} s)`)
    for (const finding of findings) console.log(`     ${finding}`)
    if (findings.length > 0) failed++
  }
  return { passed: checks.length - failed, failed }
}

function command(file: string, args: readonly string[]): string[] {
  const result = spawnSync(file, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (result.status === 0) return []
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`.trim()
  return output === '' ? [`${file} ended with ${result.status ?? result.signal}`] : output.split('\n').slice(0, 200)
}

if (import.meta.main) {
  const { passed, failed } = runChecks()
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
}
