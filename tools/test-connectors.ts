// `npm run test:connectors [-- family …]`: installs and starts the servers of each family, runs its integration tests
// against them, and stops them. Without names it runs all families; `--fast` runs those that continuous integration can
// afford, `--list` lists all.
import { asError } from '../src/base/index.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import type { Family, FamilyTools } from '../test/connectors/family.ts'
import { noTests, runTestFiles, slowest, sum, type TestFilesResult } from './test-files.ts'

process.chdir(join(import.meta.dirname, '..'))
const work = resolve('.tmp/connectors')

/** Number of families that are tested at a time: mostly they wait for servers and for programs to start. */
const concurrency = 2

/** Settles once the last installation that was asked for has ended. */
let lastInstallation: Promise<void> = Promise.resolve()
/** Whether Debian's list of packages was read by this run. */
let isDebianListFresh = false

const families = await loadFamilies()
const args = process.argv.slice(2)
if (args.includes('--list')) {
  for (const [name, family] of families) console.log(`${name.padEnd(16)}${family.summary}`)
} else {
  // Outages are tested on the program itself.
  await call('node', ['tools/build.ts', '--if-stale', '--only', 'program'])
  const total = await testFamilies(chosenFamilies(args))
  process.stdout.write(`the slowest files:\n${slowest(total, 5)}`)
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`)
  process.exitCode = total.failed === 0 ? 0 : 1
}

/** Every family by its name, which is that of its file. */
async function loadFamilies(): Promise<ReadonlyMap<string, Family>> {
  const found = new Map<string, Family>()
  for (const file of globSync('test/connectors/*.family.ts').toSorted()) {
    // Every family file exports one.
    const module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default: Family }
    found.set(/([^/]+)\.family\.ts$/.exec(file)![1]!, module.default)
  }
  return found
}

function chosenFamilies(names: readonly string[]): readonly (readonly [string, Family])[] {
  if (names.includes('--fast')) return [...families].filter(([, family]) => family.slow !== true)
  if (names.length === 0) return [...families]
  return names.map(name => {
    const family = families.get(name)
    if (family !== undefined) return [name, family]
    console.error(`There is no family '${name}'. Known: ${[...families.keys()].join(', ')}`)
    process.exit(2)
  })
}

/** Tests families, some at a time. The reports of several families are printed one after another. */
async function testFamilies(chosen: readonly (readonly [string, Family])[]): Promise<TestFilesResult> {
  let total = noTests
  const waiting = [...chosen]
  const testNext = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [name, family] = next
      let report = ''
      const write = (text: string) => void (chosen.length === 1 ? process.stdout.write(text) : (report += text))
      const result = await testFamily(name, family, write)
      process.stdout.write(report)
      total = sum(total, result)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, testNext))
  return total
}

/** Installs and starts the servers of a family, and runs its tests. The report goes to `write`. */
async function testFamily(name: string, family: Family, write: (text: string) => void): Promise<TestFilesResult> {
  const startedAt = performance.now()
  let result = noTests
  const files = family.folders.flatMap(folder => globSync(`${folder}/**/*.integration.test.ts`)).toSorted()
  const folder = mkdtempSync(join(tmpdir(), `penstock-${name}-`))
  try {
    await install(family)
    const servers = await family.start(toolsIn(folder))
    try {
      const environment = { ...servers.environment, PENSTOCK_TEST_FAST: args.includes('--fast') ? '1' : '0' }
      // One file at a time, because they share servers.
      const options = { concurrency: 1, timeoutMs: 600_000, showsOutput: true, showsPassed: true, environment, write }
      result = await runTestFiles(files, options)
    } finally {
      await servers.close()
    }
  } catch (error) {
    result = sum(result, { failed: 1 })
    write(`FAIL ${name}: ${asError(error).stack}\n`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  write(`     ${name}: ${result.passed} tests passed in ${files.length} files (${seconds} s)\n`)
  return result
}

function toolsIn(folder: string): FamilyTools {
  return {
    npmBin: program => join(work, 'npm/node_modules/.bin', program),
    pythonBin: program => join(work, 'python/bin', program),
    folder,
  }
}

/**
 * Installs what a family needs and this machine lacks; throws with the command to run by hand if that fails. Families
 * take turns, because package managers lock or share what they write.
 */
function install({ debian = {}, npm = [], pypi = [] }: Family): Promise<void> {
  const installed = lastInstallation
    .catch(() => {}) // reported by the family that it was for
    .then(async () => {
      const missing = Object.entries(debian).filter(([program]) => !isInstalled(program))
      if (missing.length > 0) await installDebian(missing.map(([, name]) => name))
      if (npm.length > 0) await installOnce(join(work, 'npm'), npm, installNpm)
      if (pypi.length > 0) await installOnce(join(work, 'python'), pypi, installPython)
    })
  lastInstallation = installed
  return installed
}

function isInstalled(program: string): boolean {
  if (program.includes('/')) return existsSync(program)
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.some(folder => existsSync(join(folder, program)))
}

async function installDebian(packages: readonly string[]): Promise<void> {
  const install = `apt-get install -y -qq --no-install-recommends ${packages.join(' ')}`
  const command = `apt-get update -qq && ${install}`
  if (process.getuid?.() !== 0) throw new Error(`the servers are missing; install them with: sudo sh -c '${command}'`)
  console.log(`     installing ${packages.join(' ')} …`)
  // Debian starts servers when they are installed, unless this program forbids it.
  const policy = '/usr/sbin/policy-rc.d'
  const hasPolicy = existsSync(policy)
  if (!hasPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await call('sh', ['-c', isDebianListFresh ? install : command], { DEBIAN_FRONTEND: 'noninteractive' })
    isDebianListFresh = true
  } finally {
    if (!hasPolicy) rmSync(policy)
  }
}

/** Installs packages into a separate folder, which records what it contains. */
async function installOnce(
  folder: string,
  packages: readonly string[],
  add: (folder: string, packages: readonly string[]) => Promise<void>,
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const list = join(folder, 'installed.txt')
  const installed = existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []
  const missing = packages.filter(name => !installed.includes(name))
  if (missing.length === 0) return
  console.log(`     installing ${missing.join(' ')} …`)
  await add(folder, missing)
  writeFileSync(list, [...installed, ...missing].join('\n'))
}

async function installNpm(folder: string, packages: readonly string[]): Promise<void> {
  await call('npm', [
    'install',
    '--prefix',
    folder,
    '--omit=peer',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packages,
  ])
}

async function installPython(folder: string, packages: readonly string[]): Promise<void> {
  if (!existsSync(join(folder, 'bin/pip'))) {
    await installDebianWhereMissing('/usr/lib/python3/dist-packages/pip', ['python3-venv', 'python3-pip'])
    await call('python3', ['-m', 'venv', folder])
  }
  await call(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
}

async function installDebianWhereMissing(path: string, packages: readonly string[]): Promise<void> {
  if (!existsSync(path)) await installDebian(packages)
}

/** Runs a program while other families are tested, and throws unless it succeeds. */
async function call(
  program: string,
  callArgs: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<void> {
  const bin = resolve('node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, ...environment }
  const child = spawn(program, callArgs, { stdio: ['ignore', 'ignore', 'inherit'], env })
  const [status, signal] = await once(child, 'close')
  if (status !== 0) throw new Error(`${program} ${callArgs.join(' ')} ended with ${status ?? signal}`)
}
