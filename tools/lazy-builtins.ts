import { builtinModules, createRequire } from 'node:module'
import { relative } from 'node:path'
import type { Plugin } from 'esbuild'

const requireBuiltin = createRequire(import.meta.url)

/** Packages omit the scheme of `node:crypto`. */
const BUILTIN = new RegExp(`^(node:.*|${builtinModules.filter(name => /^[a-z]/.test(name)).join('|')})$`)

/** Node has loaded these before the program starts. */
const LOADED = new Set(['node:buffer', 'node:events', 'node:path', 'node:timers'])

/**
 * Loads Node's built-in modules when one of their exports is first used. An ordinary import loads them, and everything
 * they need, before the first line of the program runs: `node:crypto` takes 5 ms, and so does `node:process`, because
 * its exports include the standard streams. A short command takes less than that.
 */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: BUILTIN }, ({ path: name, kind, importer }) => {
      const path = name.startsWith('node:') ? name : `node:${name}`
      if (kind !== 'import-statement' || LOADED.has(path)) return undefined
      // Packages import its names, not its default export, and those that contain SDKs are loaded late anyway.
      if (path === 'node:process' && importer.includes('node_modules')) return undefined
      // One copy for each importing file: a shared one would be a chunk, and a chunk costs as much as many copies.
      return { path, namespace: 'builtin', suffix: `?${relative('.', importer)}`, sideEffects: false }
    })
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: lazyModule(path), loader: 'js' }))
  },
}

/** The source of a module with the same exports; unused ones are removed by the bundler. */
function lazyModule(path: string): string {
  if (path === 'node:process') return PROCESS
  // A built-in module as an object of its exports.
  const builtin = requireBuiltin(path) as Readonly<Record<string, unknown>>
  const exported = Object.entries(builtin).map(([name, value]) =>
    isPlainFunction(value)
      ? `export function ${name}(...args) { return load().${name}(...args) }`
      : `export const ${name} = ${lazyValue(value, `() => load().${name}`)}`,
  )
  return [HEAD(path), ...exported, `export default ${lazyValue(builtin, 'load')}`].join('\n')
}

/** `globalThis.process` with the names that libraries import from it; the streams are loaded on property access. */
const PROCESS = [
  ...['arch', 'argv', 'cwd', 'emitWarning', 'env', 'nextTick', 'pid', 'platform', 'version', 'versions'].map(
    name => `export const ${name} = /*@__PURE__*/ (() => globalThis.process.${name})()`,
  ),
  'export default globalThis.process',
].join('\n')

function lazyValue(value: unknown, load: string): string {
  if (typeof value === 'function') return `/*@__PURE__*/ lazy(function () {}, ${load})`
  // An instance of a class has more identity than its properties, so it cannot be proxied.
  const isTable =
    typeof value === 'object' &&
    value !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as null) // only compared
  return isTable ? `/*@__PURE__*/ lazy({}, ${load})` : `/*@__PURE__*/ (${load})()`
}

const HEAD = (path: string) => `
let loaded
function load() { return (loaded ??= process.getBuiltinModule('${path}')) }
function lazy(target, load) {
  const proxy = new Proxy(target, {
    apply: (_, self, args) => Reflect.apply(load(), self, args),
    construct: (_, args, made) => Reflect.construct(load(), args, made === proxy ? load() : made),
    get: (_, key) => load()[key],
    has: (_, key) => key in load(),
  })
  return proxy
}`

/** Not a class, whose objects are created with `new`, nor a function that carries others, such as `realpath.native`. */
function isPlainFunction(value: unknown): boolean {
  if (typeof value !== 'function' || Reflect.ownKeys(value).some(key => !PLAIN_KEYS.has(key))) return false
  const { prototype } = value as { prototype?: object } // classes and functions have one
  return prototype === undefined || Reflect.ownKeys(prototype).length === 1
}

const PLAIN_KEYS: ReadonlySet<string | symbol> = new Set(['length', 'name', 'prototype', 'arguments', 'caller'])
