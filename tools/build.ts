// Bundles the program and the console into dist/. `--if-stale` builds only what has newer sources.
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { lazyBuiltins } from './lazy-builtins.ts'
import { leanKafka } from './lean-kafka.ts'
import { namedImports } from './named-imports.ts'

const { values: flags } = parseArgs({ options: { 'if-stale': { type: 'boolean' }, only: { type: 'string' } } })
process.chdir(join(import.meta.dirname, '..'))
mkdirSync('dist', { recursive: true })

const parts = [
  {
    name: 'program',
    sources: [
      'src',
      'package-lock.json',
      'tools/build.ts',
      'tools/lazy-builtins.ts',
      'tools/lean-kafka.ts',
      'tools/named-imports.ts',
    ],
    build: buildProgram,
  },
  { name: 'console', sources: ['console', 'src/bloblang', 'package-lock.json'], build: buildConsole },
]
for (const part of parts) {
  if (flags.only !== undefined && flags.only !== part.name) continue
  const stamp = `dist/.${part.name}.stamp`
  if (flags['if-stale'] && existsSync(stamp) && newest(part.sources) <= statSync(stamp).mtimeMs) continue
  const startedAt = performance.now()
  process.stderr.write(`setup: building the ${part.name} … `)
  const buildStartedAt = new Date()
  await part.build()
  writeFileSync(stamp, `${buildStartedAt.toISOString()}\n`)
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`)
}

/** One ES module per entry, with shared code in chunks, so that a worker and a command load only what they use. */
async function buildProgram(): Promise<void> {
  const workers = globSync('src/**/*.worker.ts').toSorted()
  const { outputFiles } = await build({
    entryPoints: [
      { in: 'src/cli/main.ts', out: 'penstock' },
      ...workers.map(file => ({ in: file, out: basename(file, '.ts') })),
    ],
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunk-[hash]',
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'warning',
    keepNames: false,
    // V8 keeps the source text in each thread. Names are kept, because logs and stack traces show them.
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [lazyBuiltins, leanKafka, namedImports],
    external: [
      '@node-rs/crc32',
      '@faker-js/faker',
      '@platformatic/wasm-utils',
      '@jitl/quickjs-wasmfile-release-sync',
      // It assigns to read-only properties, which throws in strict mode, and modules are strict.
      '@opentelemetry/exporter-jaeger',
      // It looks for native parts that are not compiled here (package.json), and for files in its own folder.
      'ssh2',
      // It reads the schemas of its protocol from its own folder.
      '@google-cloud/pubsub',
    ],
    // CommonJS dependencies inside the bundle call require(), which an ES module has to create itself.
    banner: {
      js: "const require = id => process.getBuiltinModule(id) ?? process.getBuiltinModule('module').createRequire(import.meta.url)(id);",
    },
  })
  // A running program loads chunks on demand: each file is replaced atomically, and old chunks are kept for a while.
  const changed = outputFiles
    .toSorted((left, right) => rank(left.path) - rank(right.path))
    .filter(({ path, contents }) => !existsSync(path) || !readFileSync(path).equals(contents))
  for (const { path, contents } of changed) {
    writeFileSync(`${path}.new`, contents)
    renameSync(`${path}.new`, path)
  }
  removeStale(new Set(outputFiles.map(({ path }) => basename(path))))
  if (changed.length > 0) keepCompiledCode()
}

/**
 * Makes V8 cache its compiled code for a mapping, so that the first command after a build starts in half the time. The
 * cache covers the functions that have run so far, and those of a mapping are what the shortest commands need.
 */
function keepCompiledCode(): void {
  rmSync('dist/.compiled', { recursive: true, force: true })
  const mapping = 'root = this\nroot.n = this.n + 1'
  const { status, stderr } = spawnSync(process.execPath, ['dist/penstock.mjs', 'blobl', mapping], {
    input: '{"n":1}\n',
  })
  if (status !== 0) process.stderr.write(stderr)
}

/** Removes the files that no build of the last hour wrote or replaced. */
function removeStale(current: ReadonlySet<string>): void {
  const list = 'dist/.program.files'
  const before = existsSync(list) ? readFileSync(list, 'utf8').split('\n') : []
  const now = new Date()
  for (const name of readdirSync('dist')) {
    if (!/\.mjs(\.map)?$/.test(name) || current.has(name)) continue
    const path = join('dist', name)
    if (before.includes(name)) utimesSync(path, now, now)
    else if (now.getTime() - statSync(path).mtimeMs > 3600 * 1000) rmSync(path)
  }
  writeFileSync(list, [...current].join('\n'))
}

/** Chunks come before the entries that refer to them. */
function rank(path: string): number {
  return basename(path).startsWith('chunk-') ? 0 : 1
}

async function buildConsole(): Promise<void> {
  if (!existsSync('console/vite.config.ts')) return
  const { build: viteBuild } = await import('vite')
  await viteBuild({
    root: 'console',
    configFile: 'console/vite.config.ts',
    logLevel: 'warn',
    build: { outDir: '../dist/console', emptyOutDir: true },
  })
}

/** The newest modification time, in milliseconds since 1970, of any file below the given files and folders. */
function newest(sources: readonly string[]): number {
  let time = 0
  for (const source of sources) {
    if (!existsSync(source)) continue
    const files = statSync(source).isDirectory() ? globSync(`${source}/**/*`) : [source]
    for (const file of files) time = Math.max(time, statSync(file).mtimeMs)
  }
  return time
}
