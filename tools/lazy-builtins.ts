import { builtinModules, createRequire } from 'node:module'
import { relative } from 'node:path'
import type { Plugin } from 'esbuild'

const requireBuiltin = createRequire(import.meta.url)

/** Packages leave out the scheme of `node:crypto`. */
const BUILTIN = new RegExp(`^(node:.*|${builtinModules.filter(name => /^[a-z]/.test(name)).join('|')})$`)

/** Node has loaded these before the program begins. */
const LOADED = new Set(['node:buffer', 'node:events', 'node:path', 'node:timers'])

/**
 * Loads Node's own modules at the first use of something of theirs. An ordinary import loads them, and all they need,
 * before the first line of the program runs: `node:crypto` takes 5 ms, and so does `node:process`, because the names
 * that it exports include the standard streams. A short command is over sooner than that.
 */
export const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: BUILTIN }, ({ path: name, kind, importer }) => {
      const path = name.startsWith('node:') ? name : `node:${name}`
      if (kind !== 'import-statement' || LOADED.has(path)) return undefined
      // Packages import its names, not its default, and those with SDKs in them are loaded late anyway.
      if (path === 'node:process' && importer.includes('node_modules')) return undefined
      // A copy for each file that imports it: one for all would be a chunk, and a chunk costs as much as many copies.
      return { path, namespace: 'builtin', suffix: `?${relative('.', importer)}`, sideEffects: false }
    })
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: lazyModule(path), loader: 'js' }))
  },
}

/** The text of a module with the same exports; unused ones are left out of the bundle. */
function lazyModule(path: string): string {
  if (path === 'node:process') return PROCESS
  // A module of Node as an object of its exports.
  const builtin = requireBuiltin(path) as Readonly<Record<string, unknown>>
  const exported = Object.entries(builtin).map(([name, value]) =>
    isPlainFunction(value)
      ? `export function ${name}(...args) { return load().${name}(...args) }`
      : `export const ${name} = ${lazyValue(value, `() => load().${name}`)}`,
  )
  return [HEAD(path), ...exported, `export default ${lazyValue(builtin, 'load')}`].join('\n')
}

/** `globalThis.process` with the names that libraries import from it; the streams are loaded when read by property. */
const PROCESS = [
  ...['arch', 'argv', 'cwd', 'emitWarning', 'env', 'nextTick', 'pid', 'platform', 'version', 'versions'].map(
    name => `export const ${name} = /*@__PURE__*/ (() => globalThis.process.${name})()`,
  ),
  'export default globalThis.process',
].join('\n')

function lazyValue(value: unknown, load: string): string {
  if (typeof value === 'function') return `/*@__PURE__*/ lazy(function () {}, ${load})`
  // An object of a class knows itself by more than its properties, so it cannot be stood in for.
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

/** No class, whose objects are made with `new`, and nothing that carries more functions, as `realpath.native`. */
function isPlainFunction(value: unknown): boolean {
  if (typeof value !== 'function' || Reflect.ownKeys(value).some(key => !PLAIN_KEYS.has(key))) return false
  const { prototype } = value as { prototype?: object } // classes and functions have one
  return prototype === undefined || Reflect.ownKeys(prototype).length === 1
}

const PLAIN_KEYS: ReadonlySet<string | symbol> = new Set(['length', 'name', 'prototype', 'arguments', 'caller'])
