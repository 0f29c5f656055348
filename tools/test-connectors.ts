// `npm run test:connectors [-- family …]`: installs and starts the servers of each family, runs its integration tests
// against them, and stops them. Without names it runs all families; `--fast` runs those that continuous integration can
// afford, `--list` lists all.
import { asError } from '../src/base/index.ts'
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import process from 'node:process'
import { run } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Family, FamilyTools } from '../test/connectors/family.ts'

process.chdir(join(import.meta.dirname, '..'))
const work = resolve('.tmp/connectors')
const total = { passed: 0, failed: 0, skipped: 0 }

const families = await loadFamilies()
const args = process.argv.slice(2)
if (args.includes('--list')) {
  for (const [name, family] of families) console.log(`${name.padEnd(16)}${family.summary}`)
} else {
  // Outages are tested on the program itself.
  call('node', ['tools/build.ts', '--if-stale', '--only', 'program'])
  for (const [name, family] of chosenFamilies(args)) await testFamily(name, family)
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
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

async function testFamily(name: string, family: Family): Promise<void> {
  const startedAt = performance.now()
  const before = total.passed
  const files = family.folders.flatMap(folder => globSync(`${folder}/**/*.integration.test.ts`)).toSorted()
  const folder = mkdtempSync(join(tmpdir(), `penstock-${name}-`))
  try {
    install(family)
    const servers = await family.start(toolsIn(folder))
    try {
      await runFiles(files, { ...servers.environment, PENSTOCK_TEST_FAST: args.includes('--fast') ? '1' : '0' })
    } finally {
      await servers.close()
    }
  } catch (error) {
    total.failed++
    console.log(`FAIL ${name}: ${asError(error).stack}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`     ${name}: ${total.passed - before} tests passed in ${files.length} files (${seconds} s)`)
}

function toolsIn(folder: string): FamilyTools {
  return {
    npmBin: program => join(work, 'npm/node_modules/.bin', program),
    pythonBin: program => join(work, 'python/bin', program),
    folder,
  }
}

/** Runs test files one by one, because they share servers. */
async function runFiles(files: readonly string[], environment: Readonly<Record<string, string>>): Promise<void> {
  const events = run({ files: [...files], concurrency: 1, timeout: 600_000, env: { ...process.env, ...environment } })
  for await (const { type, data } of events) {
    if (type === 'test:stderr' || type === 'test:stdout') process.stdout.write(data.message)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    const isContainer =
      data.details.type === 'suite' || files.some(file => data.name === file || data.name === resolve(file))
    if (type === 'test:pass') {
      if (isContainer) continue
      if (data.skip === undefined) total.passed++
      else total.skipped++
      const mark = data.skip === undefined ? 'ok  ' : 'skip'
      console.log(`${mark} ${data.name}${typeof data.skip === 'string' ? `: ${data.skip}` : ''}`)
      continue
    }
    // Node's test runner reports errors of this shape.
    const error = data.details.error as (Error & { readonly failureType?: string }) | undefined
    if (isContainer && error?.failureType === 'subtestsFailed') continue
    total.failed++
    const cause = error?.cause as Error | undefined // Node's test runner reports errors of this shape
    console.log(
      `FAIL ${data.file ?? ''} > ${data.name}\n     ${String(cause?.stack ?? error).replaceAll('\n', '\n     ')}`,
    )
  }
}

/** Installs what a family needs and this machine lacks; throws with the command to run by hand if that fails. */
function install({ debian = {}, npm = [], pypi = [] }: Family): void {
  const missing = Object.entries(debian).filter(([program]) => !isInstalled(program))
  if (missing.length > 0) installDebian(missing.map(([, name]) => name))
  if (npm.length > 0) installOnce(join(work, 'npm'), npm, installNpm)
  if (pypi.length > 0) installOnce(join(work, 'python'), pypi, installPython)
}

function isInstalled(program: string): boolean {
  if (program.includes('/')) return existsSync(program)
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.some(folder => existsSync(join(folder, program)))
}

function installDebian(packages: readonly string[]): void {
  const command = `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0) throw new Error(`the servers are missing; install them with: sudo sh -c '${command}'`)
  console.log(`     installing ${packages.join(' ')} …`)
  // Debian starts servers when they are installed, unless this program forbids it.
  const policy = '/usr/sbin/policy-rc.d'
  const hasPolicy = existsSync(policy)
  if (!hasPolicy) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    call('sh', ['-c', command], { DEBIAN_FRONTEND: 'noninteractive' })
  } finally {
    if (!hasPolicy) rmSync(policy)
  }
}

/** Installs packages into a separate folder, which records what it contains. */
function installOnce(
  folder: string,
  packages: readonly string[],
  add: (folder: string, packages: readonly string[]) => void,
): void {
  mkdirSync(folder, { recursive: true })
  const list = join(folder, 'installed.txt')
  const installed = existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []
  const missing = packages.filter(name => !installed.includes(name))
  if (missing.length === 0) return
  console.log(`     installing ${missing.join(' ')} …`)
  add(folder, missing)
  writeFileSync(list, [...installed, ...missing].join('\n'))
}

function installNpm(folder: string, packages: readonly string[]): void {
  call('npm', [
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

function installPython(folder: string, packages: readonly string[]): void {
  if (!existsSync(join(folder, 'bin/pip'))) {
    installDebianWhereMissing('/usr/lib/python3/dist-packages/pip', ['python3-venv', 'python3-pip'])
    call('python3', ['-m', 'venv', folder])
  }
  call(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
}

function installDebianWhereMissing(path: string, packages: readonly string[]): void {
  if (!existsSync(path)) installDebian(packages)
}

function call(program: string, callArgs: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  const bin = resolve('node_modules/.bin')
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`, ...environment }
  const result = spawnSync(program, callArgs, { stdio: ['ignore', 'ignore', 'inherit'], env })
  if (result.status !== 0)
    throw new Error(`${program} ${callArgs.join(' ')} ended with ${result.status ?? result.signal}`)
}
