import { readFileSync } from 'node:fs'
import type { Plugin } from 'esbuild'

/**
 * Gives CommonJS packages the names that Node provides when they are imported dynamically. The bundler's chunk of such
 * a package has only a default export, so `const { MqttClient } = await import('mqtt')` would work from the sources and
 * find nothing in the bundle. The names are those that Node detects, because no file lists them.
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
      // Resolved by Node's own algorithm, as when the sources are run.
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

/** Whether a file uses more of a package than its default export. */
function asksForNames(importer: string, name: string): boolean {
  const imports = readFileSync(importer, 'utf8').split(`import('${name}')`).slice(1)
  return imports.some(rest => !rest.startsWith(').default'))
}
