// The ways to the outside that the linter's rules for components and the mapping language (.oxlintrc.json) do not
// detect.
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'

/** Modules that only compute, and may be loaded on first use. */
const harmless = new Set(['buffer', 'crypto', 'zlib', 'util'])

const loads = /(?:\brequire|\bcreateRequire\([^)]*\)|\bgetBuiltinModule(?:\?\.)?)\(\s*['"]([^'"]+)['"]/g
const globals =
  /\bglobalThis(?:\.|\[['"])(process|fetch|WebSocket|EventSource|XMLHttpRequest)\b(?!\?\.getBuiltinModule)/g

/** Findings `file: what is wrong` in the whole tree. */
export function checkAllOutside(): string[] {
  const files = globSync('src/{components,bloblang}/**/*.ts').filter(file => !/\.(test|suite)\.ts$/.test(file))
  return files.toSorted().flatMap(file => checkOutside(file, readFileSync(file, 'utf8')))
}

/** Findings in one file. */
export function checkOutside(file: string, text: string): string[] {
  const modules = [...text.matchAll(loads)]
    .map(([, name]) => name!)
    .filter(name => isBuiltin(name) && !harmless.has(name.replace('node:', '')))
  const names = [...text.matchAll(globals)].map(([found]) => found)
  return [...modules, ...names].map(what => `${file}: ${what} reaches the outside; use Resources.host`)
}
