import { codeOf } from '../../base/index.ts'
import { basename, dirname, join } from 'node:path'
import type { ComponentHost } from '../../engine/index.ts'

type Files = Pick<ComponentHost['files'], 'readFileSync'>

/** Modules that are part of the isolate. */
const BUILT_IN = new Set(['console', 'util'])

/** Resolves modules like Node, and additionally in the global folders. */
export class ScriptModules {
  readonly #files: Files
  readonly #globalFolders: readonly string[]
  readonly #sources = new Map<string, string | undefined>()

  constructor(files: Files, globalFolders: readonly string[]) {
    this.#files = files
    this.#globalFolders = globalFolders
  }

  /** The path of a module required from `folder`, or undefined if it is not found. */
  resolve(folder: string, name: string): string | undefined {
    if (BUILT_IN.has(name)) return name
    if (/^(?:\.{1,2}(?:\/|$)|\/)/.test(name)) return this.#find(name.startsWith('/') ? name : join(folder, name))
    for (let at = folder; ; at = dirname(at)) {
      const found = basename(at) === 'node_modules' ? undefined : this.#find(join(at, 'node_modules', name))
      if (found !== undefined) return found
      if (dirname(at) === at) break
    }
    for (const global of this.#globalFolders) {
      const found = this.#find(join(global, name))
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The source text of a resolved module. */
  source(path: string): string {
    const source = this.#read(path)
    if (source === undefined) throw new Error(`there is no module ${path}`)
    return source
  }

  #find(path: string): string | undefined {
    const candidates = ['', '.js', '.json'].map(ending => path + ending)
    const main = this.#main(path)
    const inside = main === undefined ? [] : [main, `${main}.js`, join(main, 'index.js')].map(file => join(path, file))
    return [...candidates, ...inside, join(path, 'index.js'), join(path, 'index.json')].find(
      file => this.#read(file) !== undefined,
    )
  }

  #main(path: string): string | undefined {
    const description = this.#read(join(path, 'package.json'))
    if (description === undefined) return undefined
    const { main } = JSON.parse(description) as { readonly main?: unknown } // a file written by its author
    return typeof main === 'string' ? main : undefined
  }

  #read(path: string): string | undefined {
    if (this.#sources.has(path)) return this.#sources.get(path)
    let source: string | undefined
    try {
      source = this.#files.readFileSync(path).toString('utf8')
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'ENOENT' && code !== 'EISDIR' && code !== 'ENOTDIR') throw error
    }
    this.#sources.set(path, source)
    return source
  }
}
