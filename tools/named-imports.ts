import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

/**
 * Gives packages of CommonJS the names that Node gives them where they are imported late. The bundler's chunk of such a package
 * exports its default alone, so that `const { MqttClient } = await import('mqtt')` would work from the sources and find nothing
 * in the bundle. The names are those that Node sees, as they are in no file to be read.
 */
export const namedImports: Plugin = {
  name: 'named-imports',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (kind !== 'dynamic-import' || pluginData === SEEN || importer.includes('node_modules')) return undefined
      if (path.startsWith('node:') || !asksForNames(importer, path)) return undefined
      const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: SEEN })
      if (found.external || found.errors.length > 0) return found
      if (/^export\b/m.test(readFileSync(found.path, 'utf8'))) return found
      // What Node resolves when the sources are run, by its own way of finding a package.
      const exported = await import(path)
      const names = Object.keys(exported).filter(name => /^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default')
      return { path: found.path, namespace: 'named', pluginData: { names, resolveDir } }
    })
    build.onLoad({ filter: /.*/, namespace: 'named' }, ({ path, pluginData: { names, resolveDir } }) => ({
      contents: [
        `const whole = require(${JSON.stringify(path)})`,
        'export default whole',
        ...names.map((name: string) => `export const ${name} = whole.${name}`),
      ].join('\n'),
      resolveDir,
      loader: 'js',
    }))
  },
}

const SEEN = Symbol('resolved by this plugin')

/** Whether a file uses more of a package than its default. */
function asksForNames(importer: string, name: string): boolean {
  const imports = readFileSync(importer, 'utf8').split(`import('${name}')`).slice(1)
  return imports.some(rest => !rest.startsWith(').default'))
}
